//! Runs that are told to stop, and what is kept of them.

use std::fs;
use std::future::ready;
use std::time::Duration;

use runbay_model::Comparison;
use runbay_model::ExpectedOutput;
use runbay_model::Outcome;
use runbay_model::Reason;
use runbay_model::RunInput;
use runbay_model::TenantId;
use runbay_model::TestCase;
use runbay_model::TestPlan;
use runbay_model::TestVerdict;
use runbay_runner::LiveClient;
use runbay_runner::LiveOutput;
use runbay_runner::Ran;
use runbay_runner::live;
use runbay_testkit::descendants;
use runbay_testkit::eventually;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::host::Host;
use crate::host::compiled;
use crate::host::compiler_of;
use crate::host::plain;
use crate::host::tested;

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a program until `moment`, and returns what is kept of it.
async fn stopped(host: &Host, input: &RunInput, moment: impl Future<Output = ()>) -> Outcome {
    let stop = CancellationToken::new();
    let tenant = TenantId::default();
    let run = host.runner.run_until(&stop, &tenant, input, None);
    let (ran, ()) = tokio::join!(timeout(PATIENCE, run), async {
        moment.await;
        stop.cancel();
    });
    match ran.expect("in time").expect("the program can be run") {
        Ran::Stopped(outcome) => outcome,
        Ran::Judged(verdict, outcome) => panic!("{verdict:?}: {outcome:?}"),
    }
}

/// Waits until a program below this process sleeps for so many seconds, which no other test does.
async fn sleeps(seconds: &str) {
    let command = format!("sleep\0{seconds}\0");
    let own = i32::try_from(std::process::id()).expect("a process id");
    eventually(PATIENCE, "the program sleeps", || {
        let found = descendants(own).iter().any(|process| {
            fs::read_to_string(format!("/proc/{}/cmdline", process.pid)).is_ok_and(|found| found == command)
        });
        ready(found.then_some(()))
    })
    .await;
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn what_a_program_has_written_is_kept_with_its_times_and_memory() {
    let host = Host::open().await;
    let input = plain("echo so far; echo remark >&2; echo ready; sleep 60; echo late");
    let stop = CancellationToken::new();
    let (run, LiveClient { mut output, input: _kept, .. }) = live();
    let tenant = TenantId::default();
    let running = host.runner.run_until(&stop, &tenant, &input, Some(run));
    let (ran, ()) = tokio::join!(timeout(PATIENCE, running), async {
        let mut seen = String::new();
        while !(seen.contains("ready\n") && seen.contains("remark\n")) {
            match timeout(PATIENCE, output.next()).await.expect("output in time") {
                Some(LiveOutput::Chunk(chunk)) => seen += &text(&chunk.bytes),
                other => panic!("{other:?} after {seen}"),
            }
        }
        stop.cancel();
    });
    let Ran::Stopped(Outcome { facts, output }) = ran.expect("in time").expect("the program can be run") else {
        panic!("it was stopped");
    };
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("so far\nready\n".to_owned(), "remark\n".to_owned()));
    assert!(facts.execution_time.is_some_and(|time| time > Duration::ZERO && time < Duration::from_secs(60)));
    assert!(facts.cpu_time.is_some() && facts.memory_bytes.is_some_and(|bytes| bytes > 0), "{facts:?}");
    assert_eq!((facts.exit_code, facts.signal, facts.compile_time), (None, None, None));
}

#[tokio::test]
async fn what_a_compiler_has_written_is_kept() {
    let host = Host::open().await;
    let outcome = stopped(&host, &compiled("echo compiling; sleep 61.5"), sleeps("61.5")).await;
    assert!(outcome.facts.compile_time.is_some_and(|time| time > Duration::ZERO));
    assert_eq!(text(outcome.output.compile_output.as_deref().expect("a text")), "compiling\n");
    assert_eq!(outcome.facts.execution_time, None, "nothing ran");
    // The next request compiles anew.
    assert_eq!(host.said(&compiled(&compiler_of("echo works"))).await, "works\n");
}

#[tokio::test]
async fn the_cases_before_a_stop_keep_their_verdicts() {
    let case = |stdin: &str| TestCase {
        name: None,
        stdin: stdin.as_bytes().to_vec(),
        args: Vec::new(),
        expected: ExpectedOutput::new("1".to_owned(), Comparison::Trimmed).expect("a text"),
    };
    let plan = TestPlan { cases: ["1", "1", "slow", "1"].map(case).to_vec(), stop_on_failure: false };
    let input = tested(plain("read what; case $what in slow) sleep 62.5;; *) echo $what;; esac"), plan);
    let host = Host::open().await;
    let outcome = stopped(&host, &input, sleeps("62.5")).await;
    let results = outcome.output.tests.expect("results");
    let verdicts: Vec<_> = results.iter().map(|result| (result.verdict, result.reason)).collect();
    assert_eq!(
        verdicts,
        [
            (TestVerdict::Passed, None),
            (TestVerdict::Passed, None),
            (TestVerdict::Error, Some(Reason::Cancelled)),
            (TestVerdict::Skipped, None),
        ]
    );
    assert_eq!(results[2].message.as_deref(), Some("The execution was cancelled before this case ended."));
    assert!(results[2].execution_time.is_some() && outcome.facts.execution_time > results[2].execution_time);
}

#[tokio::test]
async fn what_is_stopped_before_it_begins_has_written_nothing() {
    let host = Host::open().await;
    let stop = CancellationToken::new();
    stop.cancel();
    for (input, has_compiler) in [(plain("echo 1"), false), (compiled(&compiler_of("echo 1")), true)] {
        let ran = host.runner.run_until(&stop, &TenantId::default(), &input, None).await.expect("nothing can fail");
        let Ran::Stopped(Outcome { facts, output }) = ran else { panic!("{ran:?}") };
        assert_eq!((facts.execution_time, output.stdout.len(), output.tests), (None, 0, None));
        assert_eq!(facts.compile_time.is_some(), has_compiler);
    }
}
