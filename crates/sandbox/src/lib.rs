//! Linux mechanisms that build, run and destroy bays: single-use sandboxes for hostile programs.
//!
//! Three processes share the work, so that the one that speaks to the network is never the one with rights:
//!
//! ```text
//! service (any thread, no rights)  ── Sandbox, Bay, Running
//!    │ SEQPACKET, fds passed
//! keeper  ── starts a forker, and another one when it died
//! forker  ── one thread: clones bays, kills them, reads their accounts
//! bay     ── pid 1 (ours): namespaces, mounts, input files; then the program
//! ```
//!
//! The crate knows no jobs, no database and no HTTP. It is the only crate with `unsafe` code.
//! It needs Linux 5.12 (`mount_setattr`); cgroups are used in version 2, or in version 1 where version 2 has no
//! controllers.

#![expect(unsafe_code, reason = "clone3, fork, exec and mount attributes have no safe interface")]

mod artefact;
mod bay;
mod cgroup;
mod forker;
#[cfg(test)]
mod fuzz;
mod keeper;
mod keeper_process;
mod link;
mod packet;
mod policy;
mod privileges;
mod reach;
mod run;
mod step;
mod stream;
mod wire;

pub use artefact::ARTEFACT_DIRECTORY;
pub use artefact::Artefact;
pub use artefact::ArtefactFault;
pub use bay::File;
pub use bay::Invocation;
pub use bay::Job;
pub use bay::Runtime;
pub use bay::StderrTarget;
pub use bay::WindowSize;
pub use cgroup::memory_limit_bytes;
pub use keeper::Keeper;
pub use keeper::LaunchError;
pub use keeper_process::keeper_main;
pub use link::Bay;
pub use link::BayError;
pub use link::ConnectError;
pub use link::LimitError;
pub use link::Sandbox;
pub use privileges::Account;
pub use privileges::DropError;
pub use privileges::drop_to;
pub use reach::ReachError;
pub use reach::make_reachable;
pub use run::Chunk;
pub use run::Clocks;
pub use run::Controls;
pub use run::Ending;
pub use run::OutputStream;
pub use run::ParkedBay;
pub use run::Report;
pub use run::RunError;
pub use run::Running;
pub use run::Stdin;
pub use run::Stop;
pub use run::run;
pub use step::Step;
pub use step::StepError;
pub use wire::BayLimits;
pub use wire::Configuration;
pub use wire::FixedLimit;
pub use wire::Isolation;
pub use wire::ProgramEnd;
pub use wire::Signal;
pub use wire::SupportFile;
pub use wire::Usage;
pub use wire::Users;

/// The uids of the host that Runbay uses unless told otherwise start here.
///
/// The range up to 2147352575 is handed out by no distribution and by no part of systemd
/// (systemd's UIDS-GIDS document, "Summary").
pub const FIRST_UID: u32 = 1_879_048_192;
