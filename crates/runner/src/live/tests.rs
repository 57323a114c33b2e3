use std::future::Future;
use std::pin::pin;
use std::task::Context;
use std::task::Waker;
use std::time::Duration;

use runbay_sandbox::OutputStream;

use super::*;

fn chunk(bytes: &[u8]) -> Chunk {
    Chunk { stream: OutputStream::Stdout, bytes: bytes.to_vec() }
}

fn shown(bytes: &[u8]) -> Option<LiveOutput> {
    Some(LiveOutput::Chunk(chunk(bytes)))
}

/// Output of the other stream, so that no two chunks in a row become one piece.
fn other(bytes: &[u8]) -> Chunk {
    Chunk { stream: OutputStream::Stderr, bytes: bytes.to_vec() }
}

fn is_pending(future: impl Future) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[tokio::test]
async fn what_is_written_is_seen_to_the_end() {
    let (run, mut client) = live();
    assert!(is_pending(client.output.next()));
    run.output.push(&chunk(b"a"));
    run.output.push(&chunk(b"b"));
    run.output.push(&other(b"c"));
    assert_eq!(client.output.next().await, shown(b"ab"));
    run.output.push(&chunk(b"d"));
    drop(run);
    assert_eq!(client.output.next().await, Some(LiveOutput::Chunk(other(b"c"))));
    assert_eq!(client.output.next().await, shown(b"d"));
    assert_eq!((client.output.next().await, client.output.next().await), (None, None));
}

#[tokio::test]
async fn what_does_not_fit_is_a_gap_in_its_place() {
    let (run, mut client) = live();
    let large = vec![b'x'; OUTPUT_BYTES / 2];
    for bytes in [&large[..], &large, b"lost", b"lost too"] {
        run.output.push(&chunk(bytes));
    }
    assert_eq!(client.output.next().await, shown(&large));
    run.output.push(&chunk(b"again"));
    assert_eq!(client.output.next().await, shown(&large));
    assert_eq!(client.output.next().await, Some(LiveOutput::Gap { bytes: 12 }));
    assert_eq!(client.output.next().await, shown(b"again"));
}

#[tokio::test]
async fn many_small_chunks_have_a_most_and_a_gap_at_the_end_is_told() {
    let (run, mut client) = live();
    for _ in 0..OUTPUT_PIECES {
        run.output.push(&chunk(b"x"));
        run.output.push(&other(b"y"));
    }
    drop(run);
    for _ in 0..OUTPUT_PIECES / 2 {
        assert_eq!(client.output.next().await, shown(b"x"));
        assert_eq!(client.output.next().await, Some(LiveOutput::Chunk(other(b"y"))));
    }
    assert_eq!(client.output.next().await, Some(LiveOutput::Gap { bytes: OUTPUT_PIECES as u64 }));
    assert_eq!(client.output.next().await, None);
}

#[tokio::test]
async fn results_of_test_cases_are_seen() {
    let (run, mut client) = live();
    let result = TestResult::skipped(Some("first".to_owned()));
    run.output.push_test(3, &result);
    assert_eq!(client.output.next().await, Some(LiveOutput::Test { index: 3, result: Arc::new(result) }));
}

#[tokio::test(start_paused = true)]
async fn output_gathers_during_a_rest() {
    let (run, mut client) = live();
    let begun = Instant::now();
    let until = begun + Duration::from_secs(1);
    run.output.push(&chunk(b"a"));
    client.output.rest(until).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
    run.output.push(&chunk(&vec![b'x'; BYTES_WORTH_WAKING]));
    client.output.rest(until + Duration::from_secs(1)).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(1), "there is enough");
    while client.output.0.waiting().pop().is_some() {}
    drop(run);
    client.output.rest(until + Duration::from_secs(1)).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(1), "it has ended");
}

#[tokio::test]
async fn nothing_is_kept_for_a_watcher_that_is_gone() {
    let (run, client) = live();
    run.output.push(&chunk(b"a"));
    drop(client);
    run.output.push(&chunk(b"b"));
    let waiting = run.output.0.waiting();
    assert_eq!((waiting.output.len(), waiting.bytes), (0, 0));
}

#[tokio::test]
async fn input_comes_in_pieces_and_its_sender_waits() {
    let (mut run, client) = live();
    let long = vec![b'x'; INPUT_BYTES * INPUT_PIECES];
    client.input.send(&long).await.unwrap();
    assert!(is_pending(client.input.send(b"y")));
    let mut received = Vec::new();
    for _ in 0..INPUT_PIECES {
        received.extend(run.input.receive().await.unwrap());
    }
    assert_eq!(received, long);
    drop(client);
    assert_eq!(run.input.receive().await, None);
}

#[tokio::test]
async fn input_that_nobody_takes_is_refused() {
    let (run, client) = live();
    drop(run);
    assert_eq!(client.input.send(b"x").await, Err(InputClosed));
}
