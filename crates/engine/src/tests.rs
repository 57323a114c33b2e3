//! Tests of the use cases over a private SQLite database.

mod cancelling;
mod checking;
mod files;
mod one_shot;
mod recovering;
mod repeating;
mod running;
mod sessions;
mod waiting;

use std::future::Future;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use runbay_events::MemoryEventBus;
use runbay_model::Catalog;
use runbay_model::Execution;
use runbay_model::ExecutionId;
use runbay_model::Language;
use runbay_model::LanguageId;
use runbay_model::Limits;
use runbay_model::Outcome;
use runbay_model::Session;
use runbay_model::SourceCode;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_model::Verdict;
use runbay_model::WorkerId;
use runbay_queue::MemoryQueue;
use runbay_queue::Queue;
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
use crate::NewSession;
use crate::OneShotRequest;
use crate::Recorded;
use crate::RunRequest;
use crate::SubmitError;

const DEADLINE: Duration = Duration::from_secs(30);

/// An engine of its own, with what lies below it.
struct Bench {
    engine: Engine,
    queue: Arc<dyn Queue>,
    tenant: TenantId,
    directory: TempDir,
}

fn settings() -> EngineSettings {
    EngineSettings { retry_base: Duration::from_millis(2), ..EngineSettings::default() }
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
        let engine = Engine::new(EngineParts {
            store: Store::open_sqlite(directory.path()).await.unwrap(),
            queue: Arc::clone(&queue),
            events: Arc::new(MemoryEventBus::default()),
            catalog,
            checker,
            settings,
        });
        Self { engine, queue, tenant: TenantId::default(), directory }
    }

    /// Loses everything but the files, as a kill does, and starts anew with this catalog.
    async fn restarted_with(self, catalog: Catalog) -> Self {
        let Self { engine, queue, directory, .. } = self;
        let settings = engine.settings().clone();
        drop((engine, queue));
        Self::start(directory, catalog, settings, None).await
    }

    async fn restarted(self) -> Self {
        let catalog = self.engine.catalog().clone();
        self.restarted_with(catalog).await
    }

    async fn session(&self) -> Session {
        self.engine.create_session(&self.tenant, NewSession::default()).await.unwrap()
    }

    /// Accepts a one-shot execution of the default language's template.
    async fn one_shot(&self) -> Execution {
        self.engine.submit_one_shot(&self.tenant, OneShotRequest::default()).await.unwrap().into_execution()
    }

    async fn run(&self, session: &Session) -> Result<Execution, SubmitError> {
        let submitted = self.engine.submit(&self.tenant, session.id, RunRequest::default()).await;
        submitted.map(Acceptance::into_execution)
    }

    /// Opens a session and runs it.
    async fn queued(&self) -> Execution {
        let session = self.session().await;
        self.run(&session).await.unwrap()
    }

    async fn execution(&self, id: ExecutionId) -> Execution {
        self.engine.execution(&self.tenant, id).await.unwrap()
    }

    /// Takes the next entry of the queue.
    async fn popped(&self) -> ExecutionId {
        soon(self.queue.pop()).await.unwrap().execution
    }

    async fn claimed(&self, id: ExecutionId) -> Claim {
        self.engine.claim(id, WorkerId::random()).await.unwrap().expect("it is queued")
    }

    /// Takes and claims the next entry of the queue.
    async fn next(&self) -> Claim {
        self.claimed(self.popped().await).await
    }

    async fn complete(&self, claim: &Claim) -> Recorded {
        let outcome = Outcome { exit_code: Some(0), stdout: b"hello\n".to_vec(), ..Outcome::default() };
        self.engine.finish(claim, Verdict::Completed, outcome).await.unwrap()
    }
}

fn source_code(text: &str) -> CodeChange {
    CodeChange::SourceCode(SourceCode::new(text).unwrap())
}

fn files(files: &[(&str, &str)]) -> Sources {
    let files = files.iter().map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec()));
    Sources::of_files(files.collect()).unwrap()
}

/// Lets a caller begin and go away at once.
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
