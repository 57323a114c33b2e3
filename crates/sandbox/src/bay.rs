//! Inside a bay: what its first process does, from namespaces to the end of the program.
//!
//! The first process is a copy of the forker. It gives up everything that the bay does not need before it reads
//! the job, and it alone touches the files in /box: the host opens no path in there.

mod control;
mod counted;
mod files;
mod first_process;
mod identity;
mod inheritance;
mod job;
mod mounts;
mod namespaces;
mod pack;
mod program;
mod reaper;
mod sockets;
mod terminal;
mod unpack;

pub(crate) use first_process::first_process;
pub(crate) use identity::Identity;
pub(crate) use inheritance::Inheritance;
pub(crate) use inheritance::MAPPED;
pub(crate) use inheritance::close_range;
pub(crate) use inheritance::exit;
pub use job::File;
pub use job::Invocation;
pub use job::Job;
pub use job::Runtime;
pub use job::StderrTarget;
pub(crate) use job::Unsendable;
pub(crate) use job::first_frame;
pub(crate) use job::parked_frame;
pub(crate) use terminal::DEVICES;
pub(crate) use terminal::DEVICES_BESIDE_TERMINAL;
pub use terminal::WindowSize;

/// The program's user and group inside the bay.
pub(crate) const PROGRAM_ID: u32 = 1000;
