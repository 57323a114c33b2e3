//! The real server, spoken to over HTTP; the modules mirror the tree of URLs.
//!
//! They need the binary (`cargo build`) and root, because a server started as root has every part of the sandbox.

mod backup;
mod bad_input;
mod code_sessions;
mod dead_letters;
mod executions;
mod foreign_pages;
mod languages;
mod operations;
mod ordinary_user;
mod other_origins;
mod places;
mod prefixes;
mod programs;
mod proxy;
mod redaction;
mod robustness;
mod storage;
mod workers;
