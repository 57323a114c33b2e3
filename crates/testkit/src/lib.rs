//! Starts the real server for tests, speaks to it and looks at what it leaves behind.
//!
//! For tests only: everything here panics, with the server's log, instead of returning errors. It knows the server
//! from outside, as a program with an HTTP interface, and shares no type with it.

mod answer;
mod client;
mod eventually;
mod log;
mod process;
mod raw;
mod test_app;

pub use answer::Answer;
pub use client::Client;
pub use eventually::eventually;
pub use log::Line;
pub use log::Log;
pub use process::Process;
pub use process::descendants;
pub use test_app::Exit;
pub use test_app::Launch;
pub use test_app::Refused;
pub use test_app::TestApp;
pub use test_app::binary;
