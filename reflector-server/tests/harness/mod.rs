//! The program as tests use it from outside: started in a folder of its own, called over HTTP.

pub(crate) mod http;
pub(crate) mod program;
