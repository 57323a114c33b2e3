//! Tests of workers that share a database, without a sandbox.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use runbay_engine::Engine;
use runbay_engine::EngineParts;
use runbay_engine::EngineSettings;
use runbay_engine::Offer;
use runbay_engine::RunRequest;
use runbay_engine::Work;
use runbay_events::EventBus;
use runbay_events::MemoryEventBus;
use runbay_model::Attempt;
use runbay_model::Catalog;
use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::Facts;
use runbay_model::Language;
use runbay_model::LanguageId;
use runbay_model::Limits;
use runbay_model::Outcome;
use runbay_model::Output;
use runbay_model::RunInput;
use runbay_model::Status;
use runbay_model::TenantId;
use runbay_model::Verdict;
use runbay_model::WorkerId;
use runbay_queue::MemoryQueue;
use runbay_queue::Queue;
use runbay_runner::LiveRun;
use runbay_runner::Ran;
use runbay_runner::RunFault;
use runbay_store::RemoveDeadWorkers;
use runbay_store::Store;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::Executor;
use crate::Worker;
use crate::WorkerSettings;

const DEADLINE: Duration = Duration::from_secs(30);

/// A program that never ends by itself.
const ENDLESS: &[u8] = b"endless";

/// Runs programs that only print their name, and counts the runs of each.
#[derive(Default)]
struct Counting(Mutex<HashMap<Vec<u8>, usize>>);

#[async_trait]
impl Executor for Counting {
    fn catalog(&self) -> Catalog {
        Catalog::new(vec![python()])
    }

    async fn run(
        &self,
        _: &TenantId,
        input: &RunInput,
        _: Option<LiveRun>,
        stop: &CancellationToken,
    ) -> Result<Ran, RunFault> {
        *self.0.lock().unwrap().entry(input.work.stdin.clone()).or_default() += 1;
        if input.work.stdin == ENDLESS {
            stop.cancelled().await;
            return Ok(Ran::Stopped(written(b"so far\n")));
        }
        Ok(Ran::Judged(Verdict::Completed, written(&input.work.stdin)))
    }
}

fn written(stdout: &[u8]) -> Outcome {
    let facts = Facts { execution_time: Some(Duration::from_millis(1)), ..Facts::default() };
    Outcome { facts, output: Output { stdout: stdout.to_vec(), ..Output::default() } }
}

fn python() -> Language {
    Language {
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
    }
}

/// A database, a queue and an event bus that several processes share.
struct Bench {
    store: Store,
    queue: Arc<dyn Queue>,
    events: Arc<dyn EventBus>,
    executor: Arc<Counting>,
    tenant: TenantId,
    _directory: TempDir,
}

/// A running worker.
struct Working {
    engine: Engine,
    id: WorkerId,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            store: Store::open_sqlite(directory.path()).await.unwrap(),
            queue: Arc::new(MemoryQueue::new()),
            events: Arc::new(MemoryEventBus::default()),
            executor: Arc::default(),
            tenant: TenantId::default(),
            _directory: directory,
        }
    }

    fn engine(&self) -> Engine {
        Engine::new(EngineParts {
            store: self.store.clone(),
            queue: Arc::clone(&self.queue),
            events: Arc::clone(&self.events),
            offer: Offer::fixed(self.executor.catalog()),
            checker: None,
            programs: None,
            settings: EngineSettings {
                retry_base: Duration::ZERO,
                sweep: Duration::from_millis(5),
                ..EngineSettings::default()
            },
        })
    }

    fn worker(&self, drain: Duration) -> Working {
        let (engine, executor): (_, Arc<dyn Executor>) = (self.engine(), self.executor.clone());
        let settings = WorkerSettings { slots: 4, interactive_slots: 4, drain, heartbeat: Duration::from_millis(10) };
        let worker = Worker::new(engine.clone(), Arc::clone(&self.queue), executor, settings);
        let (id, stop) = (worker.id(), CancellationToken::new());
        let task = tokio::spawn(worker.work(stop.clone()));
        Working { engine, id, stop, task }
    }

    async fn submitted(&self, engine: &Engine, stdin: &[u8]) -> ExecutionId {
        let work = Work { stdin: stdin.to_vec(), ..Work::default() };
        let request = RunRequest { work, ..RunRequest::default() };
        engine.submit_one_shot(&self.tenant, request).await.unwrap().into_head().id
    }

    async fn ended(&self, engine: &Engine, id: ExecutionId) -> ExecutionReport {
        let execution = engine.wait_for_end(&self.tenant, id, DEADLINE).await.unwrap();
        assert!(execution.summary.state.is_ended(), "{execution:?}");
        execution
    }

    /// Waits until an execution runs in this attempt.
    async fn runs(&self, engine: &Engine, id: ExecutionId, attempt: Attempt) {
        let reached = async {
            loop {
                let state = engine.report(&self.tenant, id).await.unwrap().summary.state;
                if state.status() == Status::Running && state.attempt() == attempt {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(DEADLINE, reached).await.expect("within the deadline");
    }
}

impl Working {
    async fn stop(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.task).await.expect("within the deadline").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_on_one_database_run_everything_once() {
    let bench = Bench::new().await;
    let workers = [bench.worker(DEADLINE), bench.worker(DEADLINE)];
    let front = bench.engine();
    let mut executions = Vec::new();
    for number in 0..100_u8 {
        executions.push(bench.submitted(&front, &[number]).await);
    }
    for (number, id) in (0..100_u8).zip(executions) {
        let ended = bench.ended(&front, id).await;
        assert_eq!((ended.summary.state.status(), ended.summary.state.attempt()), (Status::Completed, Attempt(1)));
        assert_eq!(ended.output.unwrap().stdout, [number]);
    }
    assert!(bench.executor.0.lock().unwrap().values().all(|runs| *runs == 1));
    let rows = front.workers().await.unwrap();
    assert!(workers.iter().all(|worker| rows.iter().any(|row| row.id == worker.id && row.slots == 4)), "{rows:?}");
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(front.workers().await.unwrap(), [], "whoever ends is shown no more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_end_while_a_worker_drains_goes_to_another() {
    let bench = Bench::new().await;
    let first = bench.worker(Duration::ZERO);
    let front = bench.engine();
    let id = bench.submitted(&front, ENDLESS).await;
    bench.runs(&front, id, Attempt(1)).await;
    first.stop().await;
    assert_eq!(front.report(&bench.tenant, id).await.unwrap().summary.state.status(), Status::Queued);
    let second = bench.worker(Duration::ZERO);
    bench.runs(&front, id, Attempt(2)).await;
    front.cancel(&bench.tenant, id).await.unwrap();
    let cancelled = front.report(&bench.tenant, id).await.unwrap();
    assert_eq!(
        (cancelled.summary.state.status(), cancelled.output.unwrap().stdout),
        (Status::Cancelled, b"so far\n".to_vec())
    );
    timeout(DEADLINE, async {
        while second.engine.workers().await.unwrap().iter().any(|row| row.running > 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the cancellation reaches it");
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_row_was_lost_goes_on_with_a_new_one() {
    let bench = Bench::new().await;
    let worker = bench.worker(DEADLINE);
    let front = bench.engine();
    for number in 0..20_u8 {
        bench.store.write(RemoveDeadWorkers { unseen_for: Duration::ZERO }).await.unwrap();
        let id = bench.submitted(&front, &[number]).await;
        assert_eq!(bench.ended(&front, id).await.summary.state.status(), Status::Completed);
    }
    worker.stop().await;
}
