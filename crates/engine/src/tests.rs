//! Tests of the use cases over a private SQLite database.

mod cancelling;
mod checking;
mod dead_letters;
mod degrading;
mod erasing;
mod files;
mod leases;
mod lost_entries;
mod one_shot;
mod recovering;
mod removing;
mod repeating;
mod running;
mod servers;
mod sessions;
mod sharing;
mod stopping;
mod waiting;
mod watching;
mod workers;

use std::future::Future;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use runbay_events::EventBus;
use runbay_events::MemoryEventBus;
use runbay_model::Catalog;
use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::ExecutionSummary;
use runbay_model::Facts;
use runbay_model::Language;
use runbay_model::LanguageId;
use runbay_model::Limits;
use runbay_model::Outcome;
use runbay_model::Output;
use runbay_model::Priority;
use runbay_model::RunInput;
use runbay_model::Session;
use runbay_model::SourceCode;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use runbay_model::Verdict;
use runbay_model::Work;
use runbay_model::WorkerId;
use runbay_queue::Lane;
use runbay_queue::MemoryQueue;
use runbay_queue::Queue;
use runbay_queue::Taken;
use runbay_queue::Turn;
use runbay_store::RemoveDeadWorkers;
use runbay_store::Store;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::Acceptance;
use crate::Checker;
use crate::Claim;
use crate::CodeChange;
use crate::Engine;
use crate::EngineParts;
use crate::EngineSettings;
use crate::ExecutionHead;
use crate::NewSession;
use crate::Offer;
use crate::Recorded;
use crate::Recovered;
use crate::RunRequest;
use crate::SubmitError;
use crate::WorkerCard;

const DEADLINE: Duration = Duration::from_secs(30);

/// An engine with its own store, queue and event bus.
struct Bench {
    engine: Engine,
    store: Store,
    queue: Arc<dyn Queue>,
    events: Arc<dyn EventBus>,
    tenant: TenantId,
    worker: WorkerId,
    directory: TempDir,
}

fn settings() -> EngineSettings {
    // No test takes as long as the lease. A dead worker is one without a row.
    let lease = Duration::from_secs(3_600);
    // Few tests have a worker that would answer a cancellation.
    let stop_patience = Duration::from_millis(20);
    let retry_base = Duration::from_millis(2);
    EngineSettings { retry_base, lease, stop_patience, sweep: Duration::ZERO, ..EngineSettings::default() }
}

fn language(id: &str, alias: &str) -> Language {
    Language {
        id: LanguageId::new(id),
        name: id.to_owned(),
        aliases: vec![alias.to_owned()],
        version: "1".to_owned(),
        template: format!("template of {id}"),
        entry: "main".to_owned(),
        is_compiled: false,
        has_checker: id == "python",
        has_repl: id == "python",
        limits: Limits::default(),
    }
}

fn two_languages() -> Catalog {
    Catalog::new(vec![language("python", "py"), language("javascript", "js")])
}

impl Bench {
    async fn new() -> Self {
        Self::with(settings()).await
    }

    async fn with(settings: EngineSettings) -> Self {
        Self::start(tempfile::tempdir().unwrap(), two_languages(), settings, None).await
    }

    async fn checked_by(checker: Arc<dyn Checker>) -> Self {
        Self::start(tempfile::tempdir().unwrap(), two_languages(), settings(), Some(checker)).await
    }

    async fn start(
        directory: TempDir,
        catalog: Catalog,
        settings: EngineSettings,
        checker: Option<Arc<dyn Checker>>,
    ) -> Self {
        let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new());
        let events: Arc<dyn EventBus> = Arc::new(MemoryEventBus::default());
        let store = Store::open_sqlite(directory.path()).await.unwrap();
        let engine = Engine::new(EngineParts {
            store: store.clone(),
            queue: Arc::clone(&queue),
            events: Arc::clone(&events),
            offer: Offer::fixed(catalog),
            checker,
            programs: None,
            settings,
        });
        let worker = living_worker(&engine).await;
        Self { engine, store, queue, events, tenant: TenantId::default(), worker, directory }
    }

    /// Makes another engine over the same rows, queue and events, like another process.
    fn other_engine(&self) -> Engine {
        self.engine_with(Arc::clone(&self.queue), Arc::clone(&self.events), self.engine.settings().clone())
    }

    /// Makes an engine over the same rows.
    fn engine_with(&self, queue: Arc<dyn Queue>, events: Arc<dyn EventBus>, settings: EngineSettings) -> Engine {
        let (store, offer) = (self.store.clone(), Offer::fixed(two_languages()));
        Engine::new(EngineParts { store, queue, events, offer, checker: None, programs: None, settings })
    }

    /// Reclaims the executions of dead workers, like another process.
    async fn reclaim(&self) {
        let expired = self.store.expired_leases(self.engine.settings().lease, 100).await.unwrap();
        self.other_engine().reclaim_all(expired).await.unwrap();
    }

    /// Recovers like a server at its start. The worker starts afterwards.
    async fn recover(&self) -> Recovered {
        let recovered = self.engine.recover().await.unwrap();
        self.revive_worker().await;
        recovered
    }

    async fn revive_worker(&self) {
        let card = WorkerCard { id: self.worker, ..card() };
        self.engine.lease(&card).renew().await.unwrap();
    }

    /// Removes the rows of all workers, so that their executions can be reclaimed.
    async fn kill_workers(&self) {
        soon(async {
            // The database's clock may have to move on first.
            while !self.store.workers().await.unwrap().is_empty() {
                self.store.write(RemoveDeadWorkers { unseen_for: Duration::ZERO }).await.unwrap();
            }
        })
        .await;
    }

    /// Loses everything but the files, as after a kill, and starts again with this catalog.
    async fn restarted_with(self, catalog: Catalog) -> Self {
        let Self { engine, store, queue, directory, .. } = self;
        let settings = engine.settings().clone();
        drop((engine, store, queue));
        Self::start(directory, catalog, settings, None).await
    }

    async fn restarted(self) -> Self {
        let catalog = Catalog::clone(&self.engine.catalog());
        self.restarted_with(catalog).await
    }

    async fn session(&self) -> Session {
        self.engine.create_session(&self.tenant, NewSession::default()).await.unwrap()
    }

    /// Accepts a one-shot execution of the default language's template.
    async fn one_shot(&self) -> ExecutionHead {
        self.engine.submit_one_shot(&self.tenant, RunRequest::default()).await.unwrap().into_head()
    }

    async fn one_shot_of(&self, priority: Priority) -> ExecutionHead {
        let request = RunRequest { work: Work { priority, ..Work::default() }, ..RunRequest::default() };
        self.engine.submit_one_shot(&self.tenant, request).await.unwrap().into_head()
    }

    async fn run(&self, session: &Session) -> Result<ExecutionHead, SubmitError> {
        let submitted = self.engine.submit(&self.tenant, session.id, RunRequest::default()).await;
        submitted.map(Acceptance::into_head)
    }

    /// Opens a session and runs it.
    async fn queued(&self) -> ExecutionHead {
        let session = self.session().await;
        self.run(&session).await.unwrap()
    }

    async fn execution(&self, id: ExecutionId) -> ExecutionSummary {
        self.report(id).await.summary
    }

    async fn report(&self, id: ExecutionId) -> ExecutionReport {
        self.engine.report(&self.tenant, id).await.unwrap()
    }

    async fn input(&self, id: ExecutionId) -> RunInput {
        self.engine.input(&self.tenant, id).await.unwrap()
    }

    /// Takes the next entry of the queue.
    async fn taken(&self) -> Taken {
        let lanes = ["python", "javascript"].map(|id| Lane::batch(&LanguageId::new(id)));
        soon(self.queue.consumer(&lanes).pop()).await.unwrap()
    }

    /// Takes the next entry of the queue and returns its execution.
    async fn popped(&self) -> ExecutionId {
        self.taken().await.execution
    }

    async fn claimed(&self, id: ExecutionId) -> Claim {
        self.engine.claim(&as_taken(id), self.worker).await.unwrap().expect("it is queued")
    }

    /// Takes and claims the next entry of the queue.
    async fn next(&self) -> Claim {
        self.engine.claim(&self.taken().await, self.worker).await.unwrap().expect("it is queued")
    }

    async fn complete(&self, claim: &Claim) -> Recorded {
        let facts = Facts { exit_code: Some(0), ..Facts::default() };
        let output = Output { stdout: b"hello\n".to_vec(), ..Output::default() };
        self.engine.finish(claim, Verdict::Completed, Arc::new(Outcome { facts, output })).await.unwrap()
    }
}

/// Returns an entry that the queue would hand out first of all.
fn as_taken(execution: ExecutionId) -> Taken {
    Taken { execution, lane: Lane::batch(&LanguageId::new("python")), turn: Turn::new(0.0).unwrap() }
}

fn card() -> WorkerCard {
    WorkerCard {
        id: WorkerId::random(),
        name: "host:1".to_owned(),
        version: "1".to_owned(),
        slots: 2,
        catalog: two_languages(),
        started_at: Timestamp::now(),
    }
}

async fn living_worker(engine: &Engine) -> WorkerId {
    let card = card();
    engine.lease(&card).renew().await.unwrap();
    card.id
}

fn source_code(text: &str) -> CodeChange {
    CodeChange::SourceCode(SourceCode::new(text).unwrap())
}

fn files(files: &[(&str, &str)]) -> Sources {
    let files = files.iter().map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec()));
    Sources::of_files(files.collect()).unwrap()
}

/// Begins a call and drops it at once.
async fn abandoned<T>(call: impl Future<Output = T>) {
    let mut call = pin!(call);
    poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending(), "it ended at once");
        Poll::Ready(())
    })
    .await;
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("within the deadline")
}
