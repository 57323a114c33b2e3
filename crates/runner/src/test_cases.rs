//! Test cases: one program, several inputs, each in a bay of its own.

use std::time::Duration;

use runbay_model::ExpectedOutput;
use runbay_model::Facts;
use runbay_model::Fault;
use runbay_model::Outcome;
use runbay_model::Output;
use runbay_model::Reason;
use runbay_model::TestCase;
use runbay_model::TestPlan;
use runbay_model::TestResult;
use runbay_model::TestVerdict;
use runbay_model::Verdict;
use tokio_util::sync::CancellationToken;

use crate::bays::Bays;
use crate::fault::RunFault;
use crate::live::LiveRun;
use crate::live::OutputSender;
use crate::program::Program;
use crate::ran::Ran;

/// How many bytes of each stream of each case are kept.
const KEPT_BYTES: usize = 16 * 1024;

/// Said of the case during which the execution was cancelled.
const STOPPED: &str = "The execution was cancelled before this case ended.";

/// Runs a program with one test case after the other. Those that come after a stop are skipped. `live` receives each
/// result.
///
/// CANCEL: dropping the future kills the program.
pub(crate) async fn run(
    bays: &Bays,
    program: &Program<'_>,
    plan: &TestPlan,
    live: Option<LiveRun>,
    stop: &CancellationToken,
) -> Result<Ran, RunFault> {
    let output = live.map(|live| live.output);
    let mut total = Facts::default();
    let mut results = Vec::with_capacity(plan.cases.len());
    let (mut is_over, mut is_stopped) = (false, false);
    for (index, case) in plan.cases.iter().enumerate() {
        if is_over {
            let skipped = TestResult::skipped(case.name.clone());
            show(output.as_ref(), index, &skipped);
            results.push(skipped);
            continue;
        }
        let mut ran = program.clone().run(bays, &case.args, &case.stdin, None, stop).await?;
        if matches!(ran, Ran::Judged(Verdict::Failed(Fault::CompileError), _)) {
            // There is no program to test, as if the compiler had said so.
            return Ok(ran);
        }
        let facts = &ran.outcome_mut().facts;
        total.execution_time = sum(total.execution_time, facts.execution_time);
        total.cpu_time = sum(total.cpu_time, facts.cpu_time);
        total.memory_bytes = total.memory_bytes.max(facts.memory_bytes);
        is_stopped = matches!(ran, Ran::Stopped(_));
        let result = judge(case, ran).await;
        show(output.as_ref(), index, &result);
        is_over = is_stopped || (plan.stop_on_failure && result.verdict != TestVerdict::Passed);
        results.push(result);
    }
    let outcome = Outcome { facts: total, output: Output { tests: Some(results), ..Output::default() } };
    Ok(if is_stopped { Ran::Stopped(outcome) } else { Ran::Judged(Verdict::Completed, outcome) })
}

fn show(output: Option<&OutputSender>, index: usize, result: &TestResult) {
    if let Some(output) = output {
        output.push_test(index, result);
    }
}

async fn judge(case: &TestCase, ran: Ran) -> TestResult {
    let (verdict, Outcome { facts, output }) = match ran {
        Ran::Judged(verdict, outcome) => (Some(verdict), outcome),
        Ran::Stopped(outcome) if outcome == Outcome::default() => return TestResult::skipped(case.name.clone()),
        Ran::Stopped(outcome) => (None, outcome),
    };
    let (stdout, stdout_truncated) = beginning(&output.stdout);
    let (stderr, stderr_truncated) = beginning(&output.stderr);
    let test_verdict = match verdict {
        Some(Verdict::Completed) if accepts(case.expected.clone(), output.stdout).await => TestVerdict::Passed,
        Some(Verdict::Completed) => TestVerdict::Failed,
        Some(Verdict::Failed(_) | Verdict::TimedOut(_)) | None => TestVerdict::Error,
    };
    TestResult {
        name: case.name.clone(),
        verdict: test_verdict,
        reason: verdict.map_or(Some(Reason::Cancelled), Verdict::reason),
        message: if verdict.is_none() { Some(STOPPED.to_owned()) } else { facts.message },
        exit_code: facts.exit_code,
        signal: facts.signal,
        stdout,
        stderr,
        stdout_truncated: stdout_truncated || facts.stdout_truncated,
        stderr_truncated: stderr_truncated || facts.stderr_truncated,
        execution_time: facts.execution_time,
        cpu_time: facts.cpu_time,
        memory_bytes: facts.memory_bytes,
    }
}

/// Compares on a thread that may block: a regular expression takes a while with much output.
async fn accepts(expected: ExpectedOutput, stdout: Vec<u8>) -> bool {
    tokio::task::spawn_blocking(move || expected.accepts(&stdout)).await.unwrap_or(false)
}

/// Returns the beginning of a stream as text, and whether the stream is longer.
fn beginning(stream: &[u8]) -> (String, bool) {
    // The text may be longer than its bytes, but is never shorter than one byte for each four of them.
    let text = String::from_utf8_lossy(stream);
    let end = text.floor_char_boundary(KEPT_BYTES);
    (text[..end].to_owned(), end < text.len())
}

fn sum(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use runbay_model::Comparison;

    use super::*;

    async fn judged(verdict: Verdict, stdout: &[u8]) -> TestResult {
        let expected = ExpectedOutput::new("42".to_owned(), Comparison::Trimmed).unwrap();
        let case = TestCase { name: Some("answer".to_owned()), stdin: Vec::new(), args: Vec::new(), expected };
        let output = Output { stdout: stdout.to_vec(), ..Output::default() };
        judge(&case, Ran::Judged(verdict, Outcome { output, ..Outcome::default() })).await
    }

    #[tokio::test]
    async fn a_program_passes_if_it_ends_well_and_says_what_it_should() {
        let passed = judged(Verdict::Completed, b"42\n").await;
        assert_eq!(
            (passed.verdict, passed.reason, passed.name.as_deref()),
            (TestVerdict::Passed, None, Some("answer"))
        );
        assert_eq!(judged(Verdict::Completed, b"41").await.verdict, TestVerdict::Failed);
        let crashed = judged(Verdict::Failed(Fault::RuntimeError), b"42\n").await;
        assert_eq!((crashed.verdict, crashed.reason), (TestVerdict::Error, Some(Reason::RuntimeError)));
    }

    #[tokio::test]
    async fn the_whole_output_counts_but_its_beginning_is_kept() {
        let long = [b"42".to_vec(), vec![b' '; KEPT_BYTES]].concat();
        let result = judged(Verdict::Completed, &long).await;
        assert_eq!(
            (result.verdict, result.stdout.len(), result.stdout_truncated),
            (TestVerdict::Passed, KEPT_BYTES, true)
        );
        let wrong = [long, b"x".to_vec()].concat();
        assert_eq!(judged(Verdict::Completed, &wrong).await.verdict, TestVerdict::Failed);
    }

    #[test]
    fn text_is_cut_between_characters() {
        let (text, truncated) = beginning("ž".repeat(KEPT_BYTES).as_bytes());
        assert_eq!((text.len(), truncated), (KEPT_BYTES, true));
        let (text, truncated) = beginning(&["x".as_bytes(), "ž".repeat(KEPT_BYTES).as_bytes()].concat());
        assert_eq!((text.len(), truncated), (KEPT_BYTES - 1, true));
        assert_eq!(beginning(b"a\xff"), ("a\u{fffd}".to_owned(), false));
        assert_eq!(beginning(&vec![0xff; KEPT_BYTES]).0.len(), KEPT_BYTES / 3 * 3);
    }
}
