//! Names of signals.

/// The standard signals of signal(7), which have the same numbers on x86 and ARM.
const NAMES: [&str; 32] = [
    "",
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// The signal for a process that used more CPU time than its soft limit.
pub(crate) const SIGXCPU: i32 = 24;

/// The signal for a process that used more CPU time than its hard limit, and the kernel's for lack of memory.
pub(crate) const SIGKILL: i32 = 9;

/// Returns the number of a standard signal.
pub(crate) fn number(name: &str) -> Option<i32> {
    let index = NAMES.iter().position(|known| !known.is_empty() && *known == name)?;
    i32::try_from(index).ok()
}

/// Returns the name of a signal. A real-time signal has only a number.
pub(crate) fn name(signal: i32) -> String {
    match usize::try_from(signal).ok().and_then(|index| NAMES.get(index)) {
        Some(name) if !name.is_empty() => (*name).to_owned(),
        _ => format!("SIG{signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_their_names() {
        for (signal, expected) in
            [(1, "SIGHUP"), (SIGKILL, "SIGKILL"), (11, "SIGSEGV"), (SIGXCPU, "SIGXCPU"), (31, "SIGSYS"), (34, "SIG34")]
        {
            assert_eq!(name(signal), expected);
        }
        assert_eq!((number("SIGABRT"), number("SIGMEM"), number("")), (Some(6), None, None));
    }
}
