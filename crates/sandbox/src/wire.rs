//! The messages between service, keeper, forker and pid 1 of a bay.
//!
//! All four are the same build of the same program, so the encoding (postcard) needs no versions.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::artefact::ArtefactFault;
use crate::step::StepError;

/// What the forker has to know before it can make bays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Which users of the host bays have.
    pub users: Users,
    /// The most bays alive at one time.
    pub max_bays: u32,
    /// Host directories and files that bays see read-only, besides `/usr` and what it needs. Those that this host does
    /// not have are left out.
    pub mounts: Vec<PathBuf>,
    /// Files of ours that bays see below `/opt/runbay`. One may be there several times, but not with other contents.
    pub support_files: Vec<SupportFile>,
}

/// A file of ours that bays can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportFile {
    /// Where it is found below `/opt/runbay`: names separated by slashes, no `..`.
    pub path: PathBuf,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Which users of the host bays have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Users {
    /// Each live bay has two of its own, for pid 1 and for the program; needs root.
    Range {
        /// The first of the `2 * max_bays` that are used.
        first_uid: u32,
    },
    /// All bays have the one that started the keeper. They are kept apart by namespaces only.
    Own,
}

/// What the first process of a bay and all its descendants may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BayLimits {
    /// Memory of all processes and files together, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads alive at one time, without pid 1.
    pub processes: u64,
    /// CPU time of one process, in milliseconds; the group's time is watched by [`crate::run()`].
    pub cpu_time_ms: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Size of one file, in bytes.
    pub file_bytes: u64,
    /// Size of all files in `/box`, `/tmp` and `/dev/shm`, in bytes.
    pub disk_bytes: u64,
    /// Number of files and directories in them.
    pub inodes: u64,
    /// Stack of a program's first thread, in bytes, unless the program raises it; others get the same from most runtimes.
    pub stack_bytes: u64,
    /// Private writable memory of one process, in bytes; none for no limit besides that of all together.
    pub data_bytes: Option<u64>,
    /// Whether there is a terminal for the program, with `/dev/tty` and `/dev/pts`. A job that asks for it
    /// ([`crate::Job::terminal`]) gets it; there is never a second one.
    pub terminal: bool,
}

/// How strongly bays are separated from the host and from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// All namespaces, seccomp and cgroup limits.
    Full,
    /// All namespaces and seccomp; limits per process only, since there are no cgroups to use.
    Rlimits,
}

impl Isolation {
    /// Returns the word used in answers and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Rlimits => "rlimits",
        }
    }
}

/// Names a bay for the life of a forker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct BayId(pub(crate) u64);

/// From the service to the forker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    Make {
        bay: BayId,
        limits: BayLimits,
    },
    /// Changes the limits of a parked bay.
    Limit {
        bay: BayId,
        limits: BayLimits,
    },
    /// Asks how long the program waited for a CPU.
    CpuWait {
        bay: BayId,
    },
    Kill {
        bay: BayId,
    },
}

/// From the forker to the service.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The forker works. Always the first message, unless it is `Unusable`.
    Ready { isolation: Isolation, cgroups: String },
    /// The forker cannot work on this host.
    Unusable(StepError),
    /// The bay is being built; the fds are those of [`BAY_FDS`].
    Made { bay: BayId },
    /// The bay could not be made.
    Refused { bay: BayId, error: Refusal },
    /// The bay has the limits that were asked for, or those it had.
    Limited { bay: BayId, refusal: Option<LimitRefusal> },
    /// How long the program has waited for a CPU of a busy host; none if the kernel does not tell.
    CpuWait { bay: BayId, waited_us: Option<u64> },
    /// The program ended or the bay died; sent once for each `Made`.
    Ended { bay: BayId, end: ProgramEnd, usage: Usage },
}

/// What [`Reply::Made`] carries besides its bytes: control stream, stdin, stdout, stderr, and with cgroups the
/// file that counts the bay's CPU time.
pub(crate) const BAY_FDS: usize = 4;

/// Why the forker did not make a bay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub(crate) enum Refusal {
    #[error("all {0} bays are in use")]
    NoFreeBay(u32),
    #[error(transparent)]
    Step(#[from] StepError),
}

/// Why the forker did not change the limits of a bay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LimitRefusal {
    /// The bay is built already, and this limit is a part of its mounts.
    Fixed(FixedLimit),
    /// The bay runs a program, was never parked, or is dead.
    NotParked,
    /// The kernel refused a step; some limits may have changed.
    Step(StepError),
}

/// A limit that is a part of a bay's mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FixedLimit {
    /// [`BayLimits::disk_bytes`].
    DiskBytes,
    /// [`BayLimits::inodes`].
    Inodes,
    /// [`BayLimits::terminal`].
    Terminal,
}

impl fmt::Display for FixedLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskBytes => "disk_bytes",
            Self::Inodes => "inodes",
            Self::Terminal => "terminal",
        })
    }
}

/// From pid 1 of a bay to the forker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum BayReport {
    /// The bay is built and waits for its job.
    Parked,
    /// A parked bay has its job.
    Unparked,
    Failed(StepError),
    Ended {
        end: ProgramEnd,
        usage: Usage,
    },
}

/// From the service to pid 1 of a bay, once the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ServiceMessage {
    /// Asks for a signal to the program's process group.
    Signal(Signal),
}

impl ServiceMessage {
    /// The length of every message, so that a reader knows it before.
    pub(crate) const BYTES: usize = 2;

    pub(crate) fn encode(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        postcard::to_slice(&self, &mut bytes).expect("a variant takes one byte");
        bytes
    }
}

/// A signal that is sent to a program, see signal(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// SIGHUP: the terminal is gone.
    Hangup,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGQUIT: Ctrl-\.
    Quit,
    /// SIGTERM: the program is asked to end.
    Terminate,
    /// SIGUSR1: what it means is up to the program.
    User1,
    /// SIGUSR2, likewise.
    User2,
    /// SIGKILL: ends what the signal reaches; [`crate::Running::kill`] ends all that runs in the bay.
    Kill,
}

/// From pid 1 of a bay to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum BayMessage {
    /// The bay is built and waits for its job.
    Parked,
    /// The program is about to be executed.
    Started,
    /// The program ended well, and what it made is going to be packed.
    Packing,
    /// It was packed into the file whose fd comes with this message, or could not be.
    Packed(Result<(), ArtefactFault>),
}

impl BayMessage {
    /// The length of every message, so that a reader knows it before.
    pub(crate) const BYTES: usize = 3;

    pub(crate) fn encode(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        postcard::to_slice(&self, &mut bytes).expect("each of at most three nested variants takes one byte");
        bytes
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProgramEnd {
    /// It left with this exit code.
    Exited(i32),
    /// This signal ended it.
    Signalled(i32),
    /// The bay was killed from outside before the program ended.
    Killed,
    /// The bay could not be built or the program not be started.
    NotStarted(StepError),
}

/// What a bay used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Time on the wall clock from start to end of the program, in microseconds; none when it was killed.
    pub wall_us: Option<u64>,
    /// CPU time of all processes together, in microseconds.
    pub cpu_us: Option<u64>,
    /// The most memory used at one time, in bytes.
    pub memory_peak_bytes: Option<u64>,
    /// How many processes the kernel killed because the bay reached its memory limit.
    pub memory_kills: u64,
    /// How many it killed because the host, or a group above the bay, ran out of memory.
    pub foreign_memory_kills: u64,
    /// How often a new process was refused because of the limit.
    pub process_refusals: u64,
}

/// Encodes a message.
pub(crate) fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    postcard::to_stdvec(message).expect("messages are plain data, which postcard can always encode")
}

/// Decodes a message.
pub(crate) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, postcard::Error> {
    postcard::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_to_pid_1_has_its_length_whatever_it_is() {
        let signals = [
            Signal::Hangup,
            Signal::Interrupt,
            Signal::Quit,
            Signal::Terminate,
            Signal::User1,
            Signal::User2,
            Signal::Kill,
        ];
        for message in signals.map(ServiceMessage::Signal) {
            assert_eq!(decode::<ServiceMessage>(&message.encode()), Ok(message));
        }
        assert!(decode::<ServiceMessage>(&[1, 200]).is_err());
    }
}
