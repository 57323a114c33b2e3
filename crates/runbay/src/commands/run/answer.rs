//! How the run of a program is reported.

use std::process::ExitCode;
use std::time::Duration;

use runbay_model::Facts;
use runbay_model::Status;

/// Exit code when the program ran out of time, as timeout(1) has it.
const TIMED_OUT: u8 = 124;

/// Exit code when the program has none of its own: it was stopped, or never ran.
pub(super) const STOPPED: u8 = 125;

/// Says in one line how the program ended and what it used.
pub(super) fn summary(facts: &Facts) -> String {
    let milliseconds = |time: Option<Duration>| {
        time.map_or_else(|| "unknown".to_owned(), |time| format!("{:.1} ms", time.as_secs_f64() * 1000.0))
    };
    let compiled = facts.compile_time.map(|time| format!(" Compiled in {}.", milliseconds(Some(time))));
    let said = facts.message.as_deref().unwrap_or("Completed.");
    let mut line = format!("{said}{}", compiled.unwrap_or_default());
    if facts.execution_time.is_some() {
        #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
        let memory = facts
            .memory_bytes
            .map_or_else(|| "unknown".to_owned(), |bytes| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)));
        let (time, cpu) = (milliseconds(facts.execution_time), milliseconds(facts.cpu_time));
        line += &format!(" Time {time}, CPU {cpu}, memory {memory}.");
    }
    line
}

pub(super) fn exit_code(status: Status, exit_code: Option<i32>) -> ExitCode {
    if status == Status::Timeout {
        return ExitCode::from(TIMED_OUT);
    }
    match exit_code.and_then(|code| u8::try_from(code).ok()) {
        Some(0) if status != Status::Completed => ExitCode::from(STOPPED),
        Some(code) => ExitCode::from(code),
        None => ExitCode::from(STOPPED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_never_ran_has_no_times() {
        let refused = Facts {
            message: Some("The code could not be compiled.".to_owned()),
            compile_time: Some(Duration::from_millis(30)),
            ..Facts::default()
        };
        assert_eq!(summary(&refused), "The code could not be compiled. Compiled in 30.0 ms.");
    }

    #[test]
    fn a_program_that_ran_has_them() {
        let ran =
            Facts { execution_time: Some(Duration::from_millis(5)), memory_bytes: Some(3 << 19), ..Facts::default() };
        assert_eq!(summary(&ran), "Completed. Time 5.0 ms, CPU unknown, memory 1.5 MiB.");
    }
}
