//! Watchers and their clients, who end with exactly what the row has.

use std::sync::Arc;
use std::time::Duration;

use runbay_events::Event;
use runbay_events::EventBus;
use runbay_events::EventKind;
use runbay_events::MemoryEventBus;
use runbay_events::MemoryEventBusLimits;
use runbay_events::OutputStream;
use runbay_model::Attempt;
use runbay_model::ExecutionId;
use runbay_model::Facts;
use runbay_model::Outcome;
use runbay_model::Output;
use runbay_model::Status;
use runbay_model::TenantId;
use runbay_model::TestResult;
use runbay_model::Verdict;

use super::Bench;
use super::as_taken;
use super::settings;
use super::soon;
use crate::Claim;
use crate::Engine;
use crate::ReadError;
use crate::RunRequest;
use crate::Told;
use crate::ToldEvent;
use crate::Watcher;

/// What a client has that follows an execution, over any number of watchers.
#[derive(Debug, Default)]
struct Client {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    tests: usize,
    statuses: Vec<Status>,
    resets: Vec<u64>,
    results: usize,
    last_id: Option<u64>,
}

impl Client {
    fn take(&mut self, event: &ToldEvent) {
        match &event.told {
            Told::Status { status, .. } => self.statuses.push(*status),
            Told::Output { stream: OutputStream::Stdout, data } => self.stdout.extend_from_slice(data),
            Told::Output { stream: OutputStream::Stderr, data } => self.stderr.extend_from_slice(data),
            Told::Test { .. } => self.tests += 1,
            Told::Reset { .. } => {
                self.stdout.clear();
                self.stderr.clear();
                self.tests = 0;
                self.resets.push(event.id);
            }
            Told::Result(_) => self.results += 1,
            Told::TooSlow => panic!("too slow"),
        }
        self.last_id = Some(event.id);
    }

    /// Takes so many events and goes away.
    async fn visit(&mut self, bench: &Bench, engine: &Engine, id: ExecutionId, events: usize) {
        let mut watcher = watch(bench, engine, id, self.last_id).await;
        self.take_some(&mut watcher, events).await;
    }

    async fn take_some(&mut self, watcher: &mut Watcher, events: usize) {
        for _ in 0..events {
            self.take(&next(watcher).await.expect("another event"));
        }
    }

    /// Comes and stays to the end.
    async fn stay(&mut self, bench: &Bench, engine: &Engine, id: ExecutionId) {
        let mut watcher = watch(bench, engine, id, self.last_id).await;
        self.take_all(&mut watcher).await;
    }

    async fn take_all(&mut self, watcher: &mut Watcher) {
        while let Some(event) = next(watcher).await {
            self.take(&event);
        }
        assert_eq!(self.results, 1, "the result is the last event");
    }
}

async fn watch(bench: &Bench, engine: &Engine, id: ExecutionId, after: Option<u64>) -> Watcher {
    soon(engine.watch(&bench.tenant, id, after)).await.unwrap()
}

async fn next(watcher: &mut Watcher) -> Option<ToldEvent> {
    soon(watcher.next()).await.unwrap()
}

/// Makes an engine over a bus that keeps little.
fn small(bench: &Bench, executions: usize, events: usize) -> (Arc<dyn EventBus>, Engine) {
    let limits = MemoryEventBusLimits { executions, events, bytes: 1_000_000, total_bytes: 1_000_000 };
    let bus: Arc<dyn EventBus> = Arc::new(MemoryEventBus::new(limits));
    (Arc::clone(&bus), bench.engine_with(Arc::clone(&bench.queue), bus, settings()))
}

async fn running(bench: &Bench, engine: &Engine) -> Claim {
    let head = engine.submit_one_shot(&bench.tenant, RunRequest::default()).await.unwrap().into_head();
    engine.claim(&as_taken(head.id), bench.worker).await.unwrap().expect("it is queued")
}

async fn write(engine: &Engine, claim: &Claim, text: &str) {
    engine.broadcast(claim).output(OutputStream::Stdout, text.as_bytes().to_vec()).await;
}

async fn finish(engine: &Engine, claim: &Claim, stdout: &str) {
    let facts = Facts { exit_code: Some(0), ..Facts::default() };
    let output = Output { stdout: stdout.as_bytes().to_vec(), ..Output::default() };
    engine.finish(claim, Verdict::Completed, Arc::new(Outcome { facts, output })).await.unwrap();
}

#[tokio::test]
async fn what_happens_is_told_in_order_with_growing_numbers() {
    let bench = Bench::new().await;
    let claim = running(&bench, &bench.engine).await;
    let mut watcher = watch(&bench, &bench.engine, claim.execution, None).await;
    let mut client = Client::default();
    client.take_some(&mut watcher, 2).await;
    let mut broadcast = bench.engine.broadcast(&claim);
    let mut ids = Vec::new();
    for (stream, text) in [(OutputStream::Stdout, "a"), (OutputStream::Stderr, "b"), (OutputStream::Stdout, "c")] {
        broadcast.output(stream, text.into()).await;
        let event = next(&mut watcher).await.unwrap();
        assert!(
            matches!(&event.told, Told::Output { stream: told, data } if *told == stream && **data == *text.as_bytes())
        );
        client.take(&event);
        ids.push(event.id);
    }
    assert_eq!(ids, [3, 4, 5]);
    broadcast.end().await;
    let output = Output { stdout: b"ac".to_vec(), stderr: b"b".to_vec(), ..Output::default() };
    let outcome = Outcome { facts: Facts::default(), output };
    bench.engine.finish(&claim, Verdict::Completed, Arc::new(outcome)).await.unwrap();
    client.take_all(&mut watcher).await;
    assert_eq!(client.statuses, [Status::Queued, Status::Running, Status::Completed]);
    assert_eq!((client.resets.len(), client.last_id), (0, Some(7)));
}

#[tokio::test]
async fn who_comes_back_anywhere_gets_the_rest() {
    let bench = Bench::new().await;
    let claim = running(&bench, &bench.engine).await;
    for text in ["a", "b", "c"] {
        write(&bench.engine, &claim, text).await;
    }
    finish(&bench.engine, &claim, "abc").await;
    for first in 1..=7 {
        let mut client = Client::default();
        client.visit(&bench, &bench.engine, claim.execution, first).await;
        client.results = 0;
        client.stay(&bench, &bench.engine, claim.execution).await;
        assert_eq!((client.stdout.as_slice(), client.resets.len()), (&b"abc"[..], 0), "after {first}");
        assert_eq!(client.last_id, Some(7), "the result has the same number again");
    }
}

#[tokio::test]
async fn an_end_that_the_bus_does_not_know_is_told_from_the_row() {
    let bench = Bench::new().await;
    let claim = running(&bench, &bench.engine).await;
    finish(&bench.engine, &claim, "abc").await;
    let (_, restarted) = small(&bench, 10, 100);
    // The first tells the bus of the end, and nothing else.
    for _ in 0..2 {
        let mut client = Client::default();
        client.stay(&bench, &restarted, claim.execution).await;
        assert_eq!((client.stdout.as_slice(), client.resets.len()), (&b"abc"[..], 0));
        assert_eq!(client.statuses, [Status::Completed]);
    }
    let mut client = Client { stdout: b"something".to_vec(), last_id: Some(4), ..Client::default() };
    client.stay(&bench, &restarted, claim.execution).await;
    assert_eq!((client.stdout.as_slice(), client.resets.len()), (&b"abc"[..], 1));
}

#[tokio::test]
async fn an_end_without_output_has_a_status_wherever_it_is_told_from() {
    let bench = Bench::new().await;
    let claim = running(&bench, &bench.engine).await;
    finish(&bench.engine, &claim, "").await;
    let (bus, restarted) = small(&bench, 10, 100);
    bus.publish(claim.execution, EventKind::Result).await.unwrap();
    let mut client = Client::default();
    client.stay(&bench, &restarted, claim.execution).await;
    assert_eq!(client.statuses, [Status::Completed]);
}

#[tokio::test]
async fn who_was_told_part_of_a_row_is_told_all_of_it_although_the_bus_has_it_as_well() {
    let bench = Bench::new().await;
    let claim = running(&bench, &bench.engine).await;
    write(&bench.engine, &claim, "abc").await;
    finish(&bench.engine, &claim, "abc").await;
    let (_, other) = small(&bench, 10, 100);
    for events in 1..=3 {
        let mut client = Client::default();
        client.visit(&bench, &other, claim.execution, events).await;
        assert!(client.last_id >= Some(Event::first_id_from_row(Attempt(1))));
        client.results = 0;
        client.stay(&bench, &bench.engine, claim.execution).await;
        assert_eq!((client.stdout.as_slice(), client.resets.len()), (&b"abc"[..], 1), "after {events}");
    }
}

#[tokio::test]
async fn what_was_not_told_leads_to_a_reset_and_the_whole_output() {
    let bench = Bench::new().await;
    let claim = running(&bench, &bench.engine).await;
    let mut watcher = watch(&bench, &bench.engine, claim.execution, None).await;
    let mut client = Client::default();
    write(&bench.engine, &claim, "a").await;
    write(&bench.engine, &claim, "c").await;
    client.take_some(&mut watcher, 4).await;
    assert_eq!(client.stdout, b"ac");
    finish(&bench.engine, &claim, "abc").await;
    client.take_all(&mut watcher).await;
    assert_eq!((client.stdout.as_slice(), client.resets.len()), (&b"abc"[..], 1));
}

#[tokio::test]
async fn output_of_both_streams_and_verdicts_are_counted_each() {
    let bench = Bench::new().await;
    let claim = running(&bench, &bench.engine).await;
    let mut broadcast = bench.engine.broadcast(&claim);
    broadcast.output(OutputStream::Stderr, b"err".to_vec()).await;
    let skipped = TestResult::skipped(None);
    broadcast.test(0, Arc::new(skipped.clone())).await;
    let output = Output { stderr: b"err".to_vec(), tests: Some(vec![skipped.clone(), skipped]), ..Output::default() };
    let outcome = Outcome { facts: Facts::default(), output };
    bench.engine.finish(&claim, Verdict::Completed, Arc::new(outcome)).await.unwrap();
    let mut client = Client::default();
    client.stay(&bench, &bench.engine, claim.execution).await;
    assert_eq!((client.stderr.as_slice(), client.tests, client.resets.len()), (&b"err"[..], 2, 1));
}

#[tokio::test]
async fn what_the_bus_forgets_while_it_runs_is_told_at_the_end() {
    let bench = Bench::new().await;
    let (bus, engine) = small(&bench, 1, 100);
    let claim = running(&bench, &engine).await;
    let mut watcher = watch(&bench, &engine, claim.execution, None).await;
    let mut client = Client::default();
    write(&engine, &claim, "a").await;
    client.take_some(&mut watcher, 3).await;
    bus.publish(ExecutionId::random(), EventKind::Result).await.unwrap();
    // The number of a reset after which the numbers begin anew.
    client.take_some(&mut watcher, 1).await;
    assert_eq!((client.resets.as_slice(), client.last_id), (&[0][..], Some(0)));
    // Told while nobody listens, or to the watcher as it comes back.
    write(&engine, &claim, "b").await;
    client.take_some(&mut watcher, 1).await;
    assert_eq!((client.stdout.as_slice(), client.last_id), (&b"b"[..], Some(1)));
    finish(&engine, &claim, "ab").await;
    client.take_all(&mut watcher).await;
    assert_eq!((client.stdout.as_slice(), client.resets.len()), (&b"ab"[..], 2));
}

#[tokio::test]
async fn numbers_that_a_bus_gives_again_hide_nothing() {
    let bench = Bench::new().await;
    let (bus, engine) = small(&bench, 1, 100);
    for seen in 1..=3 {
        let claim = running(&bench, &engine).await;
        let mut client = Client::default();
        client.visit(&bench, &engine, claim.execution, seen.min(2)).await;
        bus.publish(ExecutionId::random(), EventKind::Result).await.unwrap();
        for text in ["a", "b", "c", "d"] {
            write(&engine, &claim, text).await;
        }
        if seen == 3 {
            // The client has numbers 1 and 2 of the earlier life, and then some of the next.
            client.visit(&bench, &engine, claim.execution, 1).await;
        }
        finish(&engine, &claim, "abcd").await;
        client.stay(&bench, &engine, claim.execution).await;
        assert_eq!(client.stdout, b"abcd", "after {seen}");
    }
}

#[tokio::test]
async fn an_end_is_told_although_the_bus_is_away() {
    let bench = Bench::new().await;
    let (unsteady, engine) = bench.unsteady(settings());
    let claim = running(&bench, &engine).await;
    unsteady.go_away();
    let mut watcher = watch(&bench, &engine, claim.execution, None).await;
    finish(&engine, &claim, "abc").await;
    let mut client = Client::default();
    client.take_all(&mut watcher).await;
    assert_eq!((client.stdout.as_slice(), client.resets.len()), (&b"abc"[..], 0));
}

#[tokio::test]
async fn a_watcher_goes_on_when_the_bus_is_back() {
    let bench = Bench::new().await;
    let (unsteady, engine) = bench.unsteady(settings());
    let claim = running(&bench, &engine).await;
    let mut client = Client::default();
    client.visit(&bench, &engine, claim.execution, 2).await;
    unsteady.go_away();
    let mut watcher = watch(&bench, &engine, claim.execution, client.last_id).await;
    unsteady.come_back();
    write(&engine, &claim, "abc").await;
    client.take_some(&mut watcher, 1).await;
    finish(&engine, &claim, "abc").await;
    client.take_all(&mut watcher).await;
    assert_eq!((client.stdout.as_slice(), client.resets.len()), (&b"abc"[..], 0));
}

#[tokio::test]
async fn output_that_the_bus_did_not_take_is_told_at_the_end() {
    let bench = Bench::new().await;
    let (unsteady, engine) = bench.unsteady(settings());
    let claim = running(&bench, &engine).await;
    let mut watcher = watch(&bench, &engine, claim.execution, None).await;
    let mut broadcast = engine.broadcast(&claim);
    broadcast.output(OutputStream::Stdout, b"a".to_vec()).await;
    unsteady.go_away();
    broadcast.output(OutputStream::Stdout, b"b".to_vec()).await;
    unsteady.come_back();
    broadcast.output(OutputStream::Stdout, b"c".to_vec()).await;
    finish(&engine, &claim, "abc").await;
    let mut client = Client::default();
    client.take_all(&mut watcher).await;
    assert_eq!((client.stdout.as_slice(), client.resets.len()), (&b"abc"[..], 1));
}

#[tokio::test]
async fn who_lags_too_far_is_let_go_and_may_come_back() {
    let bench = Bench::new().await;
    let (_, engine) = small(&bench, 10, 4);
    let claim = running(&bench, &engine).await;
    let mut watcher = watch(&bench, &engine, claim.execution, None).await;
    let mut client = Client::default();
    client.take_some(&mut watcher, 2).await;
    let digits = "0123456789";
    for digit in digits.chars() {
        write(&engine, &claim, &digit.to_string()).await;
    }
    let let_go = next(&mut watcher).await.unwrap();
    assert!(matches!(let_go, ToldEvent { id: 2, told: Told::TooSlow }), "{let_go:?}");
    assert!(next(&mut watcher).await.is_none());
    // It gets what is kept, and at the end everything.
    client.visit(&bench, &engine, claim.execution, 5).await;
    assert_eq!((client.stdout.as_slice(), client.resets.as_slice()), (&b"6789"[..], &[8][..]));
    finish(&engine, &claim, digits).await;
    client.stay(&bench, &engine, claim.execution).await;
    assert_eq!((client.stdout.as_slice(), client.resets.len()), (digits.as_bytes(), 2));
}

#[tokio::test]
async fn a_new_attempt_has_numbers_of_its_own_and_voids_what_came_before() {
    let bench = Bench::new().await;
    let lost = running(&bench, &bench.engine).await;
    let mut watcher = watch(&bench, &bench.engine, lost.execution, None).await;
    let mut early = Client::default();
    write(&bench.engine, &lost, "old").await;
    early.take_some(&mut watcher, 3).await;
    let (mut away, mut stays) = (Client::default(), early);
    away.visit(&bench, &bench.engine, lost.execution, 3).await;
    bench.kill_workers().await;
    bench.reclaim().await;
    bench.revive_worker().await;
    let claim = bench.engine.claim(&as_taken(lost.execution), bench.worker).await.unwrap().expect("it is queued again");
    write(&bench.engine, &lost, "late").await;
    write(&bench.engine, &claim, "new").await;
    finish(&bench.engine, &claim, "new").await;
    stays.take_all(&mut watcher).await;
    away.stay(&bench, &bench.engine, lost.execution).await;
    for client in [stays, away] {
        assert_eq!((client.stdout.as_slice(), client.results), (&b"new"[..], 1));
        assert_eq!(client.resets, [Event::first_id(Attempt(2))]);
        let statuses = [Status::Queued, Status::Running, Status::Queued, Status::Running, Status::Completed];
        assert_eq!(client.statuses, statuses);
    }
}

#[tokio::test]
async fn a_number_that_was_never_given_leads_to_everything() {
    let bench = Bench::new().await;
    for number in [57, 1_000_000, 1_000_001, u64::MAX] {
        let claim = running(&bench, &bench.engine).await;
        write(&bench.engine, &claim, "abc").await;
        let mut client = Client { stdout: b"something".to_vec(), last_id: Some(number), ..Client::default() };
        let mut watcher = watch(&bench, &bench.engine, claim.execution, client.last_id).await;
        client.take_some(&mut watcher, 1).await;
        assert_eq!(client.resets.len(), 1, "{number}");
        finish(&bench.engine, &claim, "abc").await;
        client.take_all(&mut watcher).await;
        assert_eq!(client.stdout, b"abc", "{number}");
        // Once more, when it has ended.
        let mut client = Client { stdout: b"something".to_vec(), last_id: Some(number), ..Client::default() };
        client.stay(&bench, &bench.engine, claim.execution).await;
        assert_eq!((client.stdout.as_slice(), client.resets.len()), (&b"abc"[..], 1), "{number}");
    }
}

#[tokio::test]
async fn what_is_cancelled_before_it_runs_has_an_end_and_a_result() {
    let bench = Bench::new().await;
    let execution = bench.one_shot().await.id;
    let mut watcher = watch(&bench, &bench.engine, execution, None).await;
    bench.engine.cancel(&bench.tenant, execution).await.unwrap();
    let mut client = Client::default();
    client.take_all(&mut watcher).await;
    assert_eq!(client.statuses, [Status::Queued, Status::Cancelled]);
}

#[tokio::test]
async fn nobody_watches_executions_of_others() {
    let bench = Bench::new().await;
    let execution = bench.one_shot().await.id;
    for (tenant, id) in [(TenantId::new("stranger"), execution), (bench.tenant.clone(), ExecutionId::random())] {
        let refused = bench.engine.watch(&tenant, id, None).await;
        assert!(matches!(refused.err(), Some(ReadError::NotFound)));
    }
}

/// As in a conversation, where the client may send something at any moment.
#[tokio::test]
async fn a_wait_that_is_interrupted_loses_nothing() {
    let bench = Bench::new().await;
    let engine = bench.engine.clone();
    let claim = running(&bench, &engine).await;
    let mut watcher = watch(&bench, &engine, claim.execution, None).await;
    write(&engine, &claim, "all\n").await;
    finish(&engine, &claim, "all\n").await;
    let mut client = Client::default();
    for microseconds in 1.. {
        let event = tokio::time::timeout(Duration::from_micros(microseconds), watcher.next()).await;
        match event.map(|event| event.unwrap()) {
            Ok(Some(event)) => client.take(&event),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    assert_eq!((client.stdout, client.resets, client.results), (b"all\n".to_vec(), Vec::new(), 1));
}
