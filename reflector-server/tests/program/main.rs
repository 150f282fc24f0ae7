//! The program from outside: started with its settings, called over HTTP, used in a browser, stopped by signals.

mod browser;
mod http;
mod input;
mod program;
mod replay;
mod shell;
mod start;
mod stop;
mod webdriver;
