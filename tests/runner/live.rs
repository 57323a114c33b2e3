//! Programs that are watched and fed while they run.

use std::time::Duration;

use runbay_model::LimitOverrides;
use runbay_model::Outcome;
use runbay_model::RunInput;
use runbay_model::TenantId;
use runbay_model::Verdict;
use runbay_model::Work;
use runbay_runner::Chunk;
use runbay_runner::InputClosed;
use runbay_runner::LiveClient;
use runbay_runner::LiveOutput;
use runbay_runner::OutputReceiver;
use runbay_runner::OutputStream;
use runbay_runner::live;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::host::Host;
use crate::host::plain;

const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a program; returns its watcher's end, and what comes of it.
async fn start(input: RunInput) -> (LiveClient, JoinHandle<(Verdict, Outcome)>) {
    let host = Host::open().await;
    let (run, client) = live();
    let running = tokio::spawn(async move {
        host.runner.run(&TenantId::default(), &input, Some(run)).await.expect("the program can be run")
    });
    (client, running)
}

async fn next(output: &mut OutputReceiver) -> Option<LiveOutput> {
    timeout(PATIENCE, output.next()).await.expect("output in time")
}

/// Reads so many lines of standard output.
async fn lines(output: &mut OutputReceiver, count: usize) -> String {
    let mut lines = String::new();
    while lines.matches('\n').count() < count {
        match next(output).await {
            Some(LiveOutput::Chunk(Chunk { stream: OutputStream::Stdout, bytes })) => {
                lines += std::str::from_utf8(&bytes).expect("text");
            }
            other => panic!("{other:?}"),
        }
    }
    lines
}

#[tokio::test]
async fn output_and_input_pass_while_the_program_runs_and_all_output_is_kept() {
    let script = "echo ready; while read line; do echo \"got $line\"; done; echo end >&2";
    let input = RunInput { work: Work { stdin: b"first\n".to_vec(), ..Work::default() }, ..plain(script) };
    let (LiveClient { mut output, input, .. }, running) = start(input).await;
    assert_eq!(lines(&mut output, 2).await, "ready\ngot first\n");
    for word in ["a", "b"] {
        input.send(format!("{word}\n").as_bytes()).await.expect("the program reads");
        assert_eq!(lines(&mut output, 1).await, format!("got {word}\n"));
    }
    drop(input);
    let end = Chunk { stream: OutputStream::Stderr, bytes: b"end\n".to_vec() };
    assert_eq!(next(&mut output).await, Some(LiveOutput::Chunk(end)));
    assert_eq!(next(&mut output).await, None);
    let (verdict, outcome) = running.await.expect("no panic");
    assert_eq!(verdict, Verdict::Completed, "{outcome:?}");
    assert_eq!(outcome.output.stdout, b"ready\ngot first\ngot a\ngot b\n");
    assert_eq!(outcome.output.stderr, b"end\n");
}

#[tokio::test]
async fn a_watcher_that_sleeps_slows_nothing_and_learns_what_it_missed() {
    let mut limits = LimitOverrides::default();
    assert!(limits.set("stdout_bytes", 4 << 20));
    let input = RunInput { work: Work { limits, ..Work::default() }, ..plain("head -c 4000000 /dev/zero") };
    let (LiveClient { mut output, input, .. }, running) = start(input).await;
    drop(input);
    // Nothing is read until the program has ended.
    let (verdict, outcome) = timeout(PATIENCE, running).await.expect("in time").expect("no panic");
    assert_eq!((verdict, outcome.output.stdout.len()), (Verdict::Completed, 4_000_000));
    let (mut seen, mut missed) = (0, 0);
    while let Some(event) = next(&mut output).await {
        match event {
            LiveOutput::Chunk(chunk) => seen += chunk.bytes.len() as u64,
            LiveOutput::Gap { bytes } => missed += bytes,
            LiveOutput::Test { .. } => panic!("{event:?} of a program without tests"),
        }
    }
    assert!(seen <= 2 * 1024 * 1024 && missed > 0, "{seen} and {missed}");
    assert_eq!(seen + missed, 4_000_000);
}

#[tokio::test]
async fn a_watcher_that_goes_away_changes_nothing() {
    let (client, running) = start(plain("cat; echo done")).await;
    drop(client);
    let (verdict, outcome) = timeout(PATIENCE, running).await.expect("in time").expect("no panic");
    assert_eq!((verdict, outcome.output.stdout.as_slice()), (Verdict::Completed, &b"done\n"[..]));
}

#[tokio::test]
async fn input_for_a_program_that_has_ended_is_refused() {
    let (LiveClient { mut output, input, .. }, running) = start(plain("exit 0")).await;
    assert_eq!(next(&mut output).await, None);
    running.await.expect("no panic");
    assert_eq!(input.send(b"x").await, Err(InputClosed));
}
