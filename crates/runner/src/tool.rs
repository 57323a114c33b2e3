//! Compilers and checkers: programs of the host that work on the user's files, in bays of their own.

use runbay_model::Limits;
use runbay_sandbox::Invocation;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Report;
use runbay_sandbox::Stop;

use crate::amount::seconds;
use crate::amount::size;
use crate::bays::Bays;
use crate::bays::Purpose;
use crate::fault::RunFault;
use crate::judge::used_all_cpu;
use crate::limits::TOOL_OUTPUT_BYTES;
use crate::overtime::ran_too_long;
use crate::signal;

/// Runs a compiler or checker to its end, or until `stop`.
///
/// CANCEL: dropping the future kills it.
pub(crate) async fn run(
    bays: &Bays,
    invocation: &Invocation,
    limits: &Limits,
    stop: impl Future<Output = ()>,
) -> Result<Report, RunFault> {
    bays.run(Purpose::Tool, limits, invocation, stop).await
}

/// Returns whether a tool was stopped at its limit on the wall clock although it had hardly computed.
///
/// One that works uses a CPU, so it waited: for a CPU, for the disk, or for something that others hold. False where its
/// CPU time is not known.
pub(crate) fn waited_too_long(report: &Report, limits: &Limits) -> bool {
    let stopped = (report.stop, report.end) == (Some(Stop::WallTime), ProgramEnd::Killed);
    stopped && report.usage.cpu_us.is_some_and(|used| used / 1000 < limits.compile_time_ms / 2)
}

/// Explains in one sentence why `tool` was stopped. Returns none when it ended by itself.
pub(crate) fn why_stopped(tool: &str, report: &Report, limits: &Limits) -> Option<String> {
    let cpu_ms = limits.compile_time_ms.saturating_mul(2);
    let too_much = match (report.stop, report.end) {
        _ if report.usage.memory_kills > 0 => format!("used more than {} of memory", size(limits.compile_memory_bytes)),
        _ if report.stdout.len() > TOOL_OUTPUT_BYTES => format!("wrote more than {}", size(TOOL_OUTPUT_BYTES as u64)),
        (Some(Stop::WallTime), ProgramEnd::Killed) if waited_too_long(report, limits) => {
            let limit = seconds(limits.compile_time_ms);
            return Some(format!(
                "The {tool} was stopped after {limit}, most of which it waited; the code may be right."
            ));
        }
        (Some(Stop::WallTime), ProgramEnd::Killed) => {
            return Some(format!("The {tool} {}.", ran_too_long(report.wall, limits.compile_time_ms)));
        }
        (Some(Stop::CpuTime), ProgramEnd::Killed) => format!("used more than {} of CPU time", seconds(cpu_ms)),
        (_, ProgramEnd::Exited(0)) => return None,
        _ if used_all_cpu(report, cpu_ms) => format!("used more than {} of CPU time", seconds(cpu_ms)),
        (_, ProgramEnd::Signalled(number)) => {
            return Some(format!("The {tool} was ended by the signal {}.", signal::name(number)));
        }
        (_, ProgramEnd::Killed) => return Some(format!("The {tool} was stopped.")),
        (_, ProgramEnd::Exited(_) | ProgramEnd::NotStarted(_)) => return None,
    };
    Some(format!("The {tool} {too_much} and was stopped."))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use runbay_sandbox::Usage;

    use super::*;

    fn report(end: ProgramEnd, stop: Option<Stop>) -> Report {
        let wall = Duration::from_millis(15);
        Report { end, stop, stdout: Vec::new(), stderr: Vec::new(), wall, usage: Usage::default(), artefact: None }
    }

    fn said(report: &Report) -> Option<String> {
        why_stopped("compiler", report, &Limits::default())
    }

    #[test]
    fn every_stop_has_its_sentence() {
        let killed = |stop| said(&report(ProgramEnd::Killed, Some(stop))).unwrap();
        assert_eq!(killed(Stop::WallTime), "The compiler ran longer than 10 s and was stopped.");
        assert_eq!(killed(Stop::CpuTime), "The compiler used more than 20 s of CPU time and was stopped.");
        let mut idle = report(ProgramEnd::Killed, Some(Stop::WallTime));
        idle.usage.cpu_us = Some(100_000);
        assert_eq!(
            said(&idle).unwrap(),
            "The compiler was stopped after 10 s, most of which it waited; the code may be right."
        );
        let mut loud = report(ProgramEnd::Killed, Some(Stop::Output));
        loud.stdout = vec![b'x'; TOOL_OUTPUT_BYTES + 1];
        assert_eq!(said(&loud).unwrap(), "The compiler wrote more than 64 KiB and was stopped.");
        let crashed = said(&report(ProgramEnd::Signalled(11), None)).unwrap();
        assert_eq!(crashed, "The compiler was ended by the signal SIGSEGV.");
    }

    #[test]
    fn memory_counts_however_the_tool_ended() {
        for end in [ProgramEnd::Exited(1), ProgramEnd::Killed] {
            let mut hungry = report(end, None);
            hungry.usage.memory_kills = 1;
            assert_eq!(said(&hungry).unwrap(), "The compiler used more than 512 MiB of memory and was stopped.");
        }
    }

    #[test]
    fn the_kernels_own_cpu_limit_is_a_time_limit() {
        // gcc ends well enough to say that its own compiler was killed.
        for end in [ProgramEnd::Signalled(signal::SIGXCPU), ProgramEnd::Exited(1)] {
            let mut busy = report(end, None);
            busy.usage.cpu_us = Some(20_000_000);
            assert_eq!(said(&busy).unwrap(), "The compiler used more than 20 s of CPU time and was stopped.");
        }
    }

    #[test]
    fn an_exit_is_no_stop() {
        assert_eq!(said(&report(ProgramEnd::Exited(1), None)), None);
        assert_eq!(said(&report(ProgramEnd::Exited(0), Some(Stop::WallTime))), None);
    }
}
