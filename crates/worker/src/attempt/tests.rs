use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use runbay_engine::EngineParts;
use runbay_engine::EngineSettings;
use runbay_engine::NewSession;
use runbay_engine::Offer;
use runbay_engine::RunRequest;
use runbay_engine::WorkerCard;
use runbay_events::MemoryEventBus;
use runbay_model::Catalog;
use runbay_model::ExecutionReport;
use runbay_model::Facts;
use runbay_model::Language;
use runbay_model::LanguageId;
use runbay_model::Limits;
use runbay_model::Output;
use runbay_model::Reason;
use runbay_model::Status;
use runbay_model::TenantId;
use runbay_model::TestVerdict;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use runbay_queue::Lane;
use runbay_queue::MemoryQueue;
use runbay_queue::Queue;
use runbay_store::Store;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::timeout;

use runbay_runner::live;

use super::*;

const DEADLINE: Duration = Duration::from_secs(30);

type Run = Result<Ran, RunFault>;

/// An engine with one claimed execution.
struct Bench {
    engine: Engine,
    tenant: TenantId,
    stop: CancellationToken,
    hand_back: CancellationToken,
    _directory: TempDir,
}

impl Bench {
    async fn new(attempts_allowed: u32) -> (Self, Attempt) {
        let python = Language {
            id: LanguageId::new("python"),
            name: "Python".to_owned(),
            aliases: Vec::new(),
            version: "3".to_owned(),
            template: String::new(),
            entry: "main.py".to_owned(),
            is_compiled: false,
            has_checker: false,
            has_repl: false,
            limits: Limits::default(),
        };
        let catalog = Catalog::new(vec![python]);
        let directory = tempfile::tempdir().unwrap();
        let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new());
        let engine = Engine::new(EngineParts {
            store: Store::open_sqlite(directory.path()).await.unwrap(),
            queue: Arc::clone(&queue),
            events: Arc::new(MemoryEventBus::default()),
            offer: Offer::fixed(catalog.clone()),
            checker: None,
            programs: None,
            settings: EngineSettings { attempts_allowed, ..EngineSettings::default() },
        });
        let tenant = TenantId::default();
        let session = engine.create_session(&tenant, NewSession::default()).await.unwrap();
        engine.submit(&tenant, session.id, RunRequest::default()).await.unwrap();
        let entry = queue.consumer(&[Lane::batch(&LanguageId::new("python"))]).pop().await.unwrap();
        let card = WorkerCard {
            id: WorkerId::random(),
            name: "host:1".to_owned(),
            version: "1".to_owned(),
            slots: 1,
            catalog,
            started_at: Timestamp::now(),
        };
        engine.lease(&card).renew().await.unwrap();
        let claim = engine.claim(&entry, card.id).await.unwrap().expect("it is queued");
        let (stop, hand_back) = (CancellationToken::new(), CancellationToken::new());
        let attempt = Attempt {
            engine: engine.clone(),
            stop: stop.clone(),
            hand_back: hand_back.clone(),
            claim,
            broadcast: AbortOnDropHandle::new(tokio::spawn(async {})),
            participants: Participants::new(None, live().1.controls),
        };
        (Self { engine, tenant, stop, hand_back, _directory: directory }, attempt)
    }

    /// Carries out an attempt and then returns its execution.
    async fn after(&self, attempt: Attempt, run: impl Future<Output = Run> + Send + 'static) -> ExecutionReport {
        let id = attempt.claim.execution;
        timeout(DEADLINE, attempt.carry_out(run)).await.expect("within the deadline");
        self.engine.report(&self.tenant, id).await.unwrap()
    }
}

/// Never ends. The receiver of `dropped` learns when the future is dropped.
async fn endless(dropped: oneshot::Sender<()>) -> Run {
    let _kept = dropped;
    pending().await
}

async fn is_dropped(dropped: oneshot::Receiver<()>) {
    timeout(DEADLINE, dropped).await.expect("the run is dropped").unwrap_err();
}

#[tokio::test]
async fn what_was_judged_is_recorded() {
    let (bench, attempt) = Bench::new(1).await;
    let output = Output { stdout: b"1\n".to_vec(), ..Output::default() };
    let outcome = Outcome { output: output.clone(), ..Outcome::default() };
    let ended = bench.after(attempt, std::future::ready(Ok(Ran::Judged(Verdict::Completed, outcome)))).await;
    assert_eq!((ended.summary.state.status(), ended.output), (Status::Completed, Some(output)));
}

#[tokio::test]
async fn a_run_that_panics_or_fails_is_tried_again_and_fails_in_the_end() {
    for attempts_allowed in [1, 2] {
        let fault = async { Err(RunFault::UnknownLanguage(LanguageId::new("cobol"))) };
        let panic = async { panic!("on purpose") };
        let (bench, attempt) = Bench::new(attempts_allowed).await;
        let failed = bench.after(attempt, fault).await;
        let (bench, attempt) = Bench::new(attempts_allowed).await;
        let panicked = bench.after(attempt, panic).await;
        for execution in [failed, panicked] {
            let expected = match attempts_allowed {
                1 => (Status::Failed, Some(Reason::InternalError)),
                _ => (Status::Queued, None),
            };
            assert_eq!((execution.summary.state.status(), execution.summary.state.reason()), expected);
        }
    }
}

/// Cancels an execution while `attempt` is carried out.
async fn cancelled(
    bench: &Bench,
    attempt: Attempt,
    run: impl Future<Output = Run> + Send + 'static,
) -> ExecutionReport {
    let (engine, tenant, id) = (bench.engine.clone(), bench.tenant.clone(), attempt.claim.execution);
    let cancelling = tokio::spawn(async move { engine.cancel(&tenant, id).await });
    let report = bench.after(attempt, run).await;
    timeout(DEADLINE, cancelling).await.expect("within the deadline").unwrap().unwrap();
    assert_eq!(report.summary.state.status(), Status::Cancelled);
    assert_eq!(bench.engine.report(&bench.tenant, id).await.unwrap(), report, "nothing changes it any more");
    report
}

#[tokio::test]
async fn what_a_cancelled_run_has_written_is_recorded() {
    let output = Output { stdout: b"so far\n".to_vec(), ..Output::default() };
    let facts = Facts { execution_time: Some(Duration::from_millis(7)), ..Facts::default() };
    let outcome = Outcome { facts, output };
    let (bench, attempt) = Bench::new(1).await;
    let (stop, written) = (attempt.claim.cancelled.clone(), outcome.clone());
    let run = async move {
        stop.cancelled().await;
        Ok(Ran::Stopped(written))
    };
    let report = cancelled(&bench, attempt, run).await;
    assert_eq!((report.summary.facts, report.output), (Some(outcome.facts), Some(outcome.output)));
}

#[tokio::test]
async fn a_cancelled_run_that_fails_or_panics_ends_without_output() {
    for is_panic in [false, true] {
        let (bench, attempt) = Bench::new(1).await;
        let stop = attempt.claim.cancelled.clone();
        let run = async move {
            stop.cancelled().await;
            assert!(!is_panic, "on purpose");
            Err(RunFault::UnknownLanguage(LanguageId::new("cobol")))
        };
        let report = cancelled(&bench, attempt, run).await;
        assert_eq!((report.summary.facts, report.output), (None, None));
    }
}

#[tokio::test]
async fn what_does_not_end_in_time_is_handed_back() {
    let (bench, attempt) = Bench::new(1).await;
    let (sender, dropped) = oneshot::channel();
    bench.hand_back.cancel();
    let handed_back = bench.after(attempt, endless(sender)).await;
    assert_eq!(handed_back.summary.state.status(), Status::Queued);
    assert_eq!(bench.engine.queue_depth().await.unwrap(), 1);
    is_dropped(dropped).await;
}

fn ended_by(signal: &str) -> Run {
    let facts = Facts { signal: Some(signal.to_owned()), ..Facts::default() };
    Ok(Ran::Judged(Verdict::Failed(Fault::RuntimeError), Outcome { facts, ..Outcome::default() }))
}

/// A run of test cases whose first case was ended by a signal.
fn with_a_test_ended_by_a_signal() -> Run {
    let skipped = TestResult::skipped(None);
    let test = TestResult { verdict: TestVerdict::Error, signal: Some("SIGTERM".to_owned()), ..skipped };
    let output = Output { tests: Some(vec![test]), ..Output::default() };
    Ok(Ran::Judged(Verdict::Completed, Outcome { output, ..Outcome::default() }))
}

#[tokio::test]
async fn a_program_that_is_told_to_stop_with_the_worker_is_handed_back() {
    let java = || {
        let facts = Facts { exit_code: Some(143), ..Facts::default() };
        Ok(Ran::Judged(Verdict::Failed(Fault::RuntimeError), Outcome { facts, ..Outcome::default() }))
    };
    let compiler = || Ok(Ran::Judged(Verdict::Failed(Fault::CompileError), Outcome::default()));
    for run in [ended_by("SIGTERM"), java(), compiler(), with_a_test_ended_by_a_signal()] {
        let (bench, attempt) = Bench::new(1).await;
        bench.stop.cancel();
        let execution = bench.after(attempt, async { run }).await;
        assert_eq!(execution.summary.state.status(), Status::Queued);
    }
    let (bench, attempt) = Bench::new(1).await;
    let execution = bench.after(attempt, async { with_a_test_ended_by_a_signal() }).await;
    assert_eq!(execution.summary.state.status(), Status::Completed, "nobody told it to stop");
}

#[tokio::test]
async fn a_program_that_ends_itself_is_judged() {
    for (signal, is_stopped) in [("SIGTERM", false), ("SIGSEGV", true)] {
        let (bench, attempt) = Bench::new(1).await;
        if is_stopped {
            bench.stop.cancel();
        }
        let execution = bench.after(attempt, async move { ended_by(signal) }).await;
        assert_eq!(execution.summary.state.status(), Status::Failed, "{signal}");
    }
}
