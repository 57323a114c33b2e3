//! Verdicts: what a report says about a program.

use std::time::Duration;

use runbay_model::Facts;
use runbay_model::Fault;
use runbay_model::Limits;
use runbay_model::Outcome;
use runbay_model::Output;
use runbay_model::TimeLimit;
use runbay_model::Verdict;
use runbay_model::cut_at_character;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Report;
use runbay_sandbox::Stop;

use crate::amount::seconds;
use crate::amount::size;
use crate::limits::length;
use crate::overtime::ran_too_long;
use crate::recipe::Recipe;
use crate::signal;

/// What a verdict depends on besides the report.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) limits: &'a Limits,
    /// Knows how the runtime reports that memory ran out, and why programs fail.
    pub(crate) recipe: &'a Recipe,
    /// The program's first file.
    pub(crate) source: &'a str,
}

impl Judge<'_> {
    /// Turns a report into a verdict and an outcome.
    ///
    /// A limit that was exceeded decides the verdict, even if the program ended by itself at the same moment: truncated
    /// output is never called complete.
    pub(crate) fn judge(&self, mut report: Report) -> (Verdict, Outcome) {
        let limits = self.limits;
        let stdout_truncated = cut_at_character(&mut report.stdout, length(limits.stdout_bytes));
        let stderr_truncated = cut_at_character(&mut report.stderr, length(limits.stderr_bytes));
        let (exit_code, signal) = match report.end {
            ProgramEnd::Exited(code) => (Some(code), None),
            ProgramEnd::Signalled(number) => (None, Some(signal::name(number))),
            ProgramEnd::Killed | ProgramEnd::NotStarted(_) => (None, None),
        };
        let verdict = match verdict(&report, limits, stdout_truncated || stderr_truncated) {
            Verdict::Failed(Fault::RuntimeError)
                if self.recipe.out_of_memory.iter().any(|known| known.fits(report.end, &report.stderr)) =>
            {
                Verdict::Failed(Fault::MemoryLimit)
            }
            verdict => verdict,
        };
        let facts = Facts {
            message: self.message(verdict, &report, stdout_truncated),
            exit_code,
            signal,
            stdout_truncated,
            stderr_truncated,
            execution_time: Some(report.wall),
            cpu_time: report.usage.cpu_us.map(Duration::from_micros),
            memory_bytes: report.usage.memory_peak_bytes,
            compile_time: None,
        };
        let output = Output { stdout: report.stdout, stderr: report.stderr, ..Output::default() };
        (verdict, Outcome { facts, output })
    }

    /// Explains in one sentence what a beginner cannot see from exit code and output.
    fn message(&self, verdict: Verdict, report: &Report, stdout_truncated: bool) -> Option<String> {
        let Self { limits, recipe, source } = self;
        let text = match verdict {
            Verdict::Completed => return None,
            Verdict::TimedOut(TimeLimit::WallTime) => {
                format!("The program {}.", ran_too_long(report.wall, limits.wall_time_ms))
            }
            Verdict::TimedOut(TimeLimit::CpuTime) => {
                format!("The program used more than {} of CPU time and was stopped.", seconds(limits.cpu_time_ms))
            }
            Verdict::TimedOut(TimeLimit::IdleTime) => format!(
                "The program wrote nothing and was sent nothing for {} and was stopped.",
                seconds(limits.idle_time_ms)
            ),
            Verdict::Failed(Fault::MemoryLimit) if report.usage.memory_kills == 0 => {
                let all = size(limits.memory_bytes);
                match recipe.heap_bytes(limits.memory_bytes).map(size) {
                    Some(heap) => {
                        let name = &recipe.name;
                        format!("The program ran out of memory; the heap of {name} has {heap} of the {all} it may use.")
                    }
                    None => format!("The program ran out of memory; it may use {all}."),
                }
            }
            Verdict::Failed(Fault::MemoryLimit) => {
                format!("The program used more than {} of memory and was stopped.", size(limits.memory_bytes))
            }
            Verdict::Failed(Fault::OutputLimit) => {
                let (limit, stream) = if stdout_truncated {
                    (limits.stdout_bytes, "standard output")
                } else {
                    (limits.stderr_bytes, "standard error")
                };
                format!("The program wrote more than {} to {stream} and was stopped.", size(limit))
            }
            Verdict::Failed(Fault::ProcessLimit) => {
                format!("The program tried to have more than {} processes and threads at one time.", limits.processes)
            }
            Verdict::Failed(Fault::CompileError) => "The code could not be compiled.".to_owned(),
            Verdict::Failed(Fault::RuntimeError) => {
                let end = match report.end {
                    ProgramEnd::Exited(code) => format!("ended with exit code {code}"),
                    ProgramEnd::Signalled(number) => format!("was ended by the signal {}", signal::name(number)),
                    ProgramEnd::Killed | ProgramEnd::NotStarted(_) => return None,
                };
                match recipe.hint(report.end, source, &report.stderr) {
                    Some(hint) => format!("The program {end}: {hint}."),
                    None => format!("The program {end}."),
                }
            }
        };
        Some(text)
    }
}

fn verdict(report: &Report, limits: &Limits, truncated: bool) -> Verdict {
    let killed = report.end == ProgramEnd::Killed;
    match report.stop {
        _ if truncated => return Verdict::Failed(Fault::OutputLimit),
        _ if report.usage.memory_kills > 0 => return Verdict::Failed(Fault::MemoryLimit),
        Some(Stop::WallTime) if killed => return Verdict::TimedOut(TimeLimit::WallTime),
        Some(Stop::CpuTime) if killed => return Verdict::TimedOut(TimeLimit::CpuTime),
        Some(Stop::Idle) if killed => return Verdict::TimedOut(TimeLimit::IdleTime),
        _ => {}
    }
    match report.end {
        ProgramEnd::Exited(0) => Verdict::Completed,
        _ if used_all_cpu(report, limits.cpu_time_ms) => Verdict::TimedOut(TimeLimit::CpuTime),
        _ if report.usage.process_refusals > 0 => Verdict::Failed(Fault::ProcessLimit),
        _ => Verdict::Failed(Fault::RuntimeError),
    }
}

/// Returns whether a program that failed had used up its CPU time.
///
/// The kernel enforces that limit with signals like any others, and counts the time in another way. Where it ended a
/// child, the program may have made an exit code of that.
pub(crate) fn used_all_cpu(report: &Report, cpu_time_ms: u64) -> bool {
    let enough_ms = match report.end {
        ProgramEnd::Signalled(signal::SIGXCPU | signal::SIGKILL) => cpu_time_ms / 5 * 4,
        ProgramEnd::Signalled(_) | ProgramEnd::Exited(_) => cpu_time_ms,
        ProgramEnd::Killed | ProgramEnd::NotStarted(_) => return false,
    };
    report.usage.cpu_us.is_some_and(|used| used / 1000 >= enough_ms)
}

#[cfg(test)]
mod tests {
    use runbay_sandbox::Usage;

    use super::*;

    fn report(end: ProgramEnd, stop: Option<Stop>) -> Report {
        let usage = Usage { cpu_us: Some(12_000), memory_peak_bytes: Some(9_000_000), ..Usage::default() };
        Report {
            end,
            stop,
            stdout: b"out".to_vec(),
            stderr: b"err".to_vec(),
            wall: Duration::from_millis(15),
            usage,
            artefact: None,
        }
    }

    /// A runtime with a report of its own, and with the part of the memory that `memory` says.
    fn recipe(memory: &str) -> Recipe {
        let text = format!(
            "id = 'lisp'\nname = 'Lisp'\nentry = 'main.l'\nversion = ['lisp']\ntemplate = ''\n[run]\nargv = ['lisp']\n\
             [[out_of_memory]]\nexit_code = 1\nstderr = '(error: )?heap space'\n{memory}"
        );
        Recipe::parse("lisp.toml", &text, |_| Ok(None)).unwrap()
    }

    fn judge(report: Report, limits: &Limits, recipe: &Recipe) -> (Verdict, Outcome) {
        Judge { limits, recipe, source: "(print 1)\r\n" }.judge(report)
    }

    fn judged(report: Report) -> (Verdict, Option<String>) {
        let (verdict, outcome) = judge(report, &Limits { stdout_bytes: 4, ..Limits::default() }, &recipe(""));
        (verdict, outcome.facts.message)
    }

    #[test]
    fn exit_codes_decide_what_nothing_else_does() {
        assert_eq!(judged(report(ProgramEnd::Exited(0), None)), (Verdict::Completed, None));
        assert_eq!(
            judged(report(ProgramEnd::Exited(3), None)),
            (Verdict::Failed(Fault::RuntimeError), Some("The program ended with exit code 3.".to_owned()))
        );
        assert_eq!(
            judged(report(ProgramEnd::Signalled(11), None)),
            (Verdict::Failed(Fault::RuntimeError), Some("The program was ended by the signal SIGSEGV.".to_owned()))
        );
    }

    #[test]
    fn stops_are_named() {
        assert_eq!(
            judged(report(ProgramEnd::Killed, Some(Stop::WallTime))),
            (
                Verdict::TimedOut(TimeLimit::WallTime),
                Some("The program ran longer than 5 s and was stopped.".to_owned())
            )
        );
        assert_eq!(judged(report(ProgramEnd::Killed, Some(Stop::CpuTime))).0, Verdict::TimedOut(TimeLimit::CpuTime));
    }

    #[test]
    fn a_program_that_ended_before_the_kill_arrived_is_judged_by_its_end() {
        assert_eq!(judged(report(ProgramEnd::Exited(0), Some(Stop::WallTime))).0, Verdict::Completed);
    }

    #[test]
    fn truncated_output_is_never_complete() {
        let mut much = report(ProgramEnd::Exited(0), None);
        much.stdout = "žlu".as_bytes().to_vec();
        let (verdict, outcome) = judge(much, &Limits { stdout_bytes: 1, ..Limits::default() }, &recipe(""));
        assert_eq!(verdict, Verdict::Failed(Fault::OutputLimit));
        assert!(outcome.facts.stdout_truncated && !outcome.facts.stderr_truncated);
        assert_eq!(outcome.output.stdout, b"", "a character is not split");
        assert_eq!(
            outcome.facts.message.as_deref(),
            Some("The program wrote more than 1 bytes to standard output and was stopped.")
        );
    }

    #[test]
    fn memory_counts_whoever_was_killed() {
        for end in [ProgramEnd::Exited(0), ProgramEnd::Signalled(9), ProgramEnd::Killed] {
            let mut hungry = report(end, None);
            hungry.usage.memory_kills = 1;
            assert_eq!(
                judged(hungry),
                (
                    Verdict::Failed(Fault::MemoryLimit),
                    Some("The program used more than 128 MiB of memory and was stopped.".to_owned())
                )
            );
        }
    }

    #[test]
    fn a_runtimes_own_report_counts_as_running_out_of_memory() {
        let known = recipe("");
        let judged = |end, stderr: &str| {
            let report = Report { stderr: stderr.as_bytes().to_vec(), ..report(end, None) };
            judge(report, &Limits::default(), &known)
        };
        let (verdict, outcome) = judged(ProgramEnd::Exited(1), "error: heap space");
        assert_eq!(verdict, Verdict::Failed(Fault::MemoryLimit));
        assert_eq!(outcome.facts.message.as_deref(), Some("The program ran out of memory; it may use 128 MiB."));
        assert_eq!(outcome.facts.exit_code, Some(1));
        assert_eq!(judged(ProgramEnd::Exited(2), "heap space").0, Verdict::Failed(Fault::RuntimeError));
        assert_eq!(judged(ProgramEnd::Exited(1), "heap").0, Verdict::Failed(Fault::RuntimeError));
        assert_eq!(judged(ProgramEnd::Exited(0), "heap space").0, Verdict::Completed);
    }

    #[test]
    fn a_hint_continues_what_is_said_of_a_failure() {
        let recipe = recipe("[[hint]]\nsource = '\\r\\n'\nmessage = 'its lines end with CRLF'");
        let message = |end| judge(report(end, None), &Limits::default(), &recipe).1.facts.message;
        let said = message(ProgramEnd::Exited(127));
        assert_eq!(said.as_deref(), Some("The program ended with exit code 127: its lines end with CRLF."));
        assert_eq!(message(ProgramEnd::Exited(0)), None);
        assert_eq!(message(ProgramEnd::Killed), None);
    }

    #[test]
    fn a_heap_that_is_full_is_named_with_its_size() {
        let full = Report { stderr: b"heap space".to_vec(), ..report(ProgramEnd::Exited(1), None) };
        let (_, outcome) = judge(full, &Limits::default(), &recipe("[memory]\nheap_percent = 60"));
        assert_eq!(
            outcome.facts.message.as_deref(),
            Some("The program ran out of memory; the heap of Lisp has 76 MiB of the 128 MiB it may use.")
        );
    }

    #[test]
    fn refused_processes_matter_only_to_a_failed_program() {
        let with = |end| {
            let mut report = report(end, None);
            report.usage.process_refusals = 7;
            judged(report).0
        };
        assert_eq!(with(ProgramEnd::Exited(0)), Verdict::Completed);
        assert_eq!(with(ProgramEnd::Exited(1)), Verdict::Failed(Fault::ProcessLimit));
    }

    #[test]
    fn the_kernels_own_cpu_limit_is_a_time_limit() {
        let after = |end, cpu_us| {
            let mut busy = report(end, None);
            busy.usage.cpu_us = Some(cpu_us);
            judged(busy).0
        };
        let over = Verdict::TimedOut(TimeLimit::CpuTime);
        for number in [signal::SIGKILL, signal::SIGXCPU] {
            assert_eq!(after(ProgramEnd::Signalled(number), 5_100_000), over);
            assert_eq!(after(ProgramEnd::Signalled(number), 4_600_000), over, "the kernel counts in another way");
            assert_eq!(after(ProgramEnd::Signalled(number), 900_000), Verdict::Failed(Fault::RuntimeError));
        }
        assert_eq!(after(ProgramEnd::Exited(137), 5_100_000), over, "a shell whose child was ended");
        assert_eq!(after(ProgramEnd::Exited(1), 4_900_000), Verdict::Failed(Fault::RuntimeError));
        assert_eq!(after(ProgramEnd::Exited(0), 5_100_000), Verdict::Completed);
    }
}
