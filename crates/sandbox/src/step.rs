//! The steps of building a bay, so that an error names the one the kernel refused.

use std::fmt;

use rustix::io::Errno;
use serde::Deserialize;
use serde::Serialize;

macro_rules! steps {
    ($($name:ident: $text:literal,)*) => {
        /// One thing that is asked of the kernel while the forker starts or a bay is built.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each variant is described by its text below")]
        pub enum Step {
            $($name,)*
        }

        impl fmt::Display for Step {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$name => $text,)*
                })
            }
        }
    };
}

steps! {
    ReadProc: "read /proc",
    PrepareForker: "prepare the forker process",
    UserNamespace: "make a user namespace for the forker",
    MountNamespace: "make a mount namespace for the forker",
    PrivatePropagation: "stop mounts from spreading to the host",
    OpenHostPath: "open a host path that bays shall see",
    MountRoot: "mount the bays' root file system",
    FillRoot: "fill the bays' root file system",
    MoveMount: "mount a host path in the bays' root file system",
    LockMount: "make a mount of the bays' root file system read-only",
    PivotRoot: "pivot into the bays' root file system",
    UnmountHost: "unmount the host's file systems",
    CompileFilter: "compile the system call filter",
    FindCgroups: "find the cgroup controllers",
    MakeInstanceCgroup: "make the cgroup of this forker",
    CleanCgroups: "remove the cgroups that a killed service left",
    YieldCpu: "give the bays of this forker less CPU weight than others have",
    MakeCgroup: "make the cgroup of a bay",
    LimitMemory: "limit the memory of a bay",
    LimitCpu: "limit the CPU time of a bay",
    LimitProcesses: "limit the processes of a bay",
    WatchMemory: "watch a bay for running out of memory",
    MakePipes: "make the pipes of a bay",
    OwnPipes: "give the pipes of a bay to its user",
    Clone: "clone the first process of a bay",
    MapUsers: "map the users of a bay",
    AttachCgroup: "enter the bay's cgroup",
    NewNamespaces: "make network, IPC and UTS namespaces for a bay",
    CgroupNamespace: "make the bay's cgroup namespace",
    LimitNetwork: "set the size of socket buffers in the bay's network",
    RaiseLoopback: "raise the bay's loopback device",
    AwaitMaps: "wait for the bay's user map",
    BecomeRoot: "become root of the bay",
    SetHostName: "set the bay's host name",
    MountProc: "mount the bay's /proc",
    MaskProc: "mask a file in the bay's /proc",
    MountTerminal: "mount the bay's /dev with a terminal",
    MountFiles: "mount the bay's file system for /box and /tmp",
    BindFiles: "mount /box, /tmp and /dev/shm",
    EnterBox: "enter /box",
    OpenTerminal: "open the bay's terminal",
    DropBounding: "drop the bounding set of capabilities",
    NoNewPrivileges: "set no_new_privs",
    LimitCoreDumps: "set the limit of core dumps to 1, as with 0 crashes reach who kernel.core_pattern names",
    InstallFilter: "install the system call filter",
    CloseFiles: "close inherited files",
    ReadJob: "read the job",
    Unpack: "unpack what an earlier bay handed over",
    WriteFile: "write an input file",
    BlockSignals: "block signals",
    Fork: "fork the program",
    NewSession: "start a session without a terminal",
    TakeTerminal: "make the terminal that of the program's session",
    Redirect: "connect standard input and output",
    LimitResources: "set a resource limit",
    SetSchedule: "set the scheduling policy of the program",
    ChangeUser: "change to the program's user",
    ClearCapabilities: "clear the capabilities",
    CheckCapabilities: "check that no capability is left",
    ResetSignals: "reset signals",
    Execute: "execute the program",
    WaitForProgram: "wait for the program",
    Pack: "pack what the program made",
    HandOver: "hand over what the program made",
}

/// A step that the kernel refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("failed to {step}: {}", describe(*.errno))]
pub struct StepError {
    /// What was tried.
    pub step: Step,
    /// The error number, see errno(3).
    pub errno: i32,
}

impl StepError {
    pub(crate) fn new(step: Step, errno: Errno) -> Self {
        Self { step, errno: errno.raw_os_error() }
    }

    /// Returns whether what was to be executed is no program, so that nobody could start it.
    #[must_use]
    pub fn is_no_program(&self) -> bool {
        // In this order: neither a format the kernel knows nor a script, without permission or a directory, for an
        // interpreter that does not exist, with a broken one.
        self.step == Step::Execute && matches!(self.errno, libc::ENOEXEC | libc::EACCES | libc::ENOENT | libc::ELIBBAD)
    }

    /// Returns whether the bay's limit on bytes or number of files left no room for the inputs.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self.step, Step::Unpack | Step::WriteFile) && self.errno == libc::ENOSPC
    }
}

fn describe(errno: i32) -> std::io::Error {
    std::io::Error::from_raw_os_error(errno)
}

/// Names the step of a system call that failed.
pub(crate) trait During<T> {
    fn during(self, step: Step) -> Result<T, StepError>;
}

impl<T> During<T> for Result<T, Errno> {
    fn during(self, step: Step) -> Result<T, StepError> {
        self.map_err(|errno| StepError::new(step, errno))
    }
}

impl<T> During<T> for std::io::Result<T> {
    fn during(self, step: Step) -> Result<T, StepError> {
        self.map_err(|error| StepError { step, errno: error.raw_os_error().unwrap_or(libc::EIO) })
    }
}

/// Returns the error of the system call that just failed.
pub(crate) fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_step_and_cause() {
        let error = StepError::new(Step::MountProc, Errno::PERM);
        assert_eq!(error.to_string(), "failed to mount the bay's /proc: Operation not permitted (os error 1)");
    }
}
