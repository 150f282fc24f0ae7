//! The running server, from outside: over HTTP, with stand-ins for whom it talks to.

mod server;
mod whereby;
mod whereby_stub;
mod whereby_suite;
