//! The compile stage: from sources to an artefact, in a bay of its own.

mod cache;
mod compilation;
mod interruption;
mod key;
mod request;

use std::sync::Arc;

use runbay_model::Fault;
use runbay_model::Limits;
use runbay_model::TimeLimit;
use runbay_model::Verdict;
use runbay_sandbox::ArtefactFault;
use runbay_sandbox::Invocation;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Report;
use runbay_sandbox::Stop;

pub(crate) use cache::CompileCache;
pub(crate) use compilation::Compilation;
pub(crate) use compilation::Compiled;
use compilation::Refusal;
pub(crate) use interruption::Interruption;
pub(crate) use key::Sharing;
pub(crate) use request::CompileRequest;

use crate::bays::Bays;
use crate::fault::RunFault;
use crate::limits::TOOL_OUTPUT_BYTES;
use crate::tool;

/// Compiles a program, or returns the artefact of an earlier compilation.
///
/// Returns none for a language without a compile stage. Does not return once `interruption` has stopped the compiler.
///
/// CANCEL: dropping the future kills the compiler. If others wait for the same compilation, one of them starts it
/// again.
pub(crate) async fn compile(
    bays: &Bays,
    cache: Option<&CompileCache>,
    request: &CompileRequest<'_>,
    interruption: &Interruption<'_>,
) -> Result<Option<Compilation>, RunFault> {
    let CompileRequest { installed, sources, limits, .. } = request;
    let (Some(stage), Some(compiler)) = (&installed.recipe.compile, &installed.found.compiler) else {
        return Ok(None);
    };
    let invocation = installed.recipe.compile_invocation(stage, compiler, sources, limits);
    let compiling = compile_anew(bays, &invocation, limits, interruption);
    let compilation = match cache {
        Some(cache) => cache.get_or_compile(request, &invocation, compiling).await?,
        None => compiling.await?,
    };
    Ok(Some(compilation))
}

async fn compile_anew(
    bays: &Bays,
    invocation: &Invocation,
    limits: &Limits,
    interruption: &Interruption<'_>,
) -> Result<Compilation, RunFault> {
    let report = tool::run(bays, invocation, limits, interruption.compiles()).await?;
    if (report.stop, report.end) == (Some(Stop::Requested), ProgramEnd::Killed) {
        match interruption.stopped(report).await {}
    }
    Ok(judge(report, limits))
}

fn judge(mut report: Report, limits: &Limits) -> Compilation {
    let stopped = tool::why_stopped("compiler", &report, limits);
    let verdict = if tool::waited_too_long(&report, limits) {
        // The host may have kept it waiting, so nobody says that the code cannot be compiled.
        Verdict::TimedOut(TimeLimit::WallTime)
    } else {
        Verdict::Failed(Fault::CompileError)
    };
    runbay_model::cut_at_character(&mut report.stdout, TOOL_OUTPUT_BYTES);
    let (output, time) = (report.stdout, report.wall);
    let message = match (stopped, report.end, report.artefact) {
        (Some(stopped), ..) => stopped,
        (None, ProgramEnd::Exited(0), Some(Ok(artefact))) => {
            return Compilation::Fresh(Arc::new(Compiled { artefact, output, time }));
        }
        (None, ProgramEnd::Exited(0), Some(Err(ArtefactFault::Missing)) | None) => {
            "The compiler reported no error, but made no program.".to_owned()
        }
        (None, ProgramEnd::Exited(0), Some(Err(fault))) => {
            format!("The compiler reported no error, but what it made cannot be used: {fault}.")
        }
        _ => "The code could not be compiled.".to_owned(),
    };
    Compilation::Refused(Arc::new(Refusal { verdict, message, output, time }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use runbay_model::Outcome;
    use runbay_sandbox::Artefact;
    use runbay_sandbox::Usage;

    use super::*;

    fn refusal(end: ProgramEnd, artefact: Option<Result<Artefact, ArtefactFault>>) -> Outcome {
        let report = Report {
            end,
            stop: None,
            stdout: b"main.c:1: no".to_vec(),
            stderr: Vec::new(),
            wall: Duration::from_millis(15),
            usage: Usage::default(),
            artefact,
        };
        match judge(report, &Limits::default()) {
            Compilation::Refused(refusal) => refusal.outcome(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_keeps_what_the_compiler_said() {
        let outcome = refusal(ProgramEnd::Exited(1), None);
        assert_eq!(outcome.facts.message.as_deref(), Some("The code could not be compiled."));
        assert_eq!(outcome.output.compile_output.as_deref(), Some(&b"main.c:1: no"[..]));
        assert_eq!((outcome.facts.compile_time, outcome.facts.exit_code), (Some(Duration::from_millis(15)), None));
    }

    #[test]
    fn a_compiler_that_made_nothing_useful_did_not_compile() {
        for (fault, message) in [
            (ArtefactFault::Missing, "The compiler reported no error, but made no program."),
            (
                ArtefactFault::TooLarge,
                "The compiler reported no error, but what it made cannot be used: \
                 what the program made is larger than 128 MiB.",
            ),
        ] {
            assert_eq!(refusal(ProgramEnd::Exited(0), Some(Err(fault))).facts.message.as_deref(), Some(message));
        }
    }
    #[test]
    fn a_compiler_that_waited_says_nothing_of_the_code() {
        let verdict = |stop, cpu_us| {
            let report = Report {
                end: ProgramEnd::Killed,
                stop: Some(stop),
                stdout: Vec::new(),
                stderr: Vec::new(),
                wall: Duration::from_secs(10),
                usage: Usage { cpu_us, ..Usage::default() },
                artefact: None,
            };
            match judge(report, &Limits { compile_time_ms: 10_000, ..Limits::default() }) {
                Compilation::Refused(refusal) => refusal.verdict,
                other => panic!("{other:?}"),
            }
        };
        let (waited, refused) = (Verdict::TimedOut(TimeLimit::WallTime), Verdict::Failed(Fault::CompileError));
        assert_eq!(verdict(Stop::WallTime, Some(4_900_000)), waited);
        assert_eq!(verdict(Stop::WallTime, Some(5_000_000)), refused);
        assert_eq!(verdict(Stop::WallTime, None), refused, "nobody knows");
        assert_eq!(verdict(Stop::CpuTime, Some(1_000)), refused);
    }
}
