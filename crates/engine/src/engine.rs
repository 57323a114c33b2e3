//! What all use cases share.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use runbay_events::EventBus;
use runbay_model::Catalog;
use runbay_model::Language;
use runbay_model::LanguageId;
use runbay_model::LimitRanges;
use runbay_queue::Queue;
use runbay_store::Pace;
use runbay_store::Store;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::Checker;
use crate::Unavailable;
use crate::UnknownLanguage;
use crate::running::Running;

/// How long a caller waits for the database; what was begun is finished all the same.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a check of the database may take.
const CHECK_PATIENCE: Duration = Duration::from_secs(2);

/// How long closing waits for what was begun.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// What an engine is made of.
pub struct EngineParts {
    /// The rows.
    pub store: Store,
    /// The wake-ups for workers.
    pub queue: Arc<dyn Queue>,
    /// Where changes are published.
    pub events: Arc<dyn EventBus>,
    /// The languages that are offered.
    pub catalog: Catalog,
    /// What checks code without running it, if anything does.
    pub checker: Option<Arc<dyn Checker>>,
    /// Choices of the operator.
    pub settings: EngineSettings,
}

/// Choices of the operator.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// How many executions may wait.
    pub queue_max_depth: usize,
    /// How many attempts an execution gets.
    pub attempts_allowed: u32,
    /// The wait before the first retry after an internal error; it doubles with each attempt.
    pub retry_base: Duration,
    /// How often a session may be run.
    pub pace: Pace,
    /// Between what a request may choose its limits.
    pub limit_ranges: LimitRanges,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            queue_max_depth: 10_000,
            attempts_allowed: 3,
            retry_base: Duration::from_millis(100),
            pace: Pace { runs_per_minute: 60, cooldown: Duration::ZERO },
            limit_ranges: LimitRanges::default(),
        }
    }
}

/// The use cases of the service; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    parts: EngineParts,
    offered: Arc<[LanguageId]>,
    running: Running,
    tasks: TaskTracker,
}

impl Engine {
    /// Puts an engine together.
    #[must_use]
    pub fn new(parts: EngineParts) -> Self {
        let offered = parts.catalog.languages().iter().map(|language| language.id.clone()).collect();
        let shared = Shared { parts, offered, running: Running::default(), tasks: TaskTracker::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the languages that are offered.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.shared.parts.catalog
    }

    /// Returns between what a request may choose its limits.
    #[must_use]
    pub fn limit_ranges(&self) -> &LimitRanges {
        &self.settings().limit_ranges
    }

    /// Returns how many executions wait in the queue.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the queue does not answer.
    pub async fn queue_depth(&self) -> Result<usize, Unavailable> {
        Ok(self.queue().depth().await?)
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when it does not answer soon.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        timeout(CHECK_PATIENCE, self.store().check()).await.map_err(Unavailable::new)??;
        Ok(())
    }

    /// Finishes what was begun, for a while, and closes the database; later calls answer [`Unavailable`].
    pub async fn close(&self) {
        self.shared.tasks.close();
        if timeout(CLOSE_PATIENCE, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!("the database is closed although some writes are not finished");
        }
        if timeout(CLOSE_PATIENCE, self.store().close()).await.is_err() {
            tracing::warn!("the database did not close in time");
        }
    }

    /// Runs `change` to its end, also when the caller goes away: what follows a commit must not be left out.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when it takes too long; it may still happen.
    pub(crate) async fn carry_through<T: Send + 'static>(
        &self,
        change: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let task = self.shared.tasks.spawn(change.in_current_span());
        timeout(PATIENCE, task).await.map_err(Unavailable::new)?.map_err(Unavailable::new)
    }

    /// Runs `change` to its end although nobody waits for it.
    pub(crate) fn carry_on(&self, change: impl Future<Output = ()> + Send + 'static) {
        // At the very end of a process there may be no runtime any more; then the next start repairs what is left.
        if let Ok(runtime) = Handle::try_current() {
            self.shared.tasks.spawn_on(change.in_current_span(), &runtime);
        }
    }

    /// Finds the language that a request names.
    pub(crate) fn offered_language(&self, name: &str) -> Result<&Language, UnknownLanguage> {
        self.catalog().find(name).ok_or_else(|| self.unknown_language(name))
    }

    /// Finds the language that a request changes to, if it does.
    pub(crate) fn chosen_language(&self, name: Option<&str>) -> Result<Option<LanguageId>, UnknownLanguage> {
        name.map(|name| self.offered_language(name).map(|language| language.id.clone())).transpose()
    }

    pub(crate) fn unknown_language(&self, name: &str) -> UnknownLanguage {
        UnknownLanguage { name: name.to_owned(), known: self.shared.offered.iter().map(ToString::to_string).collect() }
    }

    pub(crate) fn offered(&self) -> Arc<[LanguageId]> {
        Arc::clone(&self.shared.offered)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.parts.store
    }

    pub(crate) fn queue(&self) -> &dyn Queue {
        &*self.shared.parts.queue
    }

    pub(crate) fn events(&self) -> &dyn EventBus {
        &*self.shared.parts.events
    }

    pub(crate) fn checker(&self) -> Option<&dyn Checker> {
        self.shared.parts.checker.as_deref()
    }

    pub(crate) fn settings(&self) -> &EngineSettings {
        &self.shared.parts.settings
    }

    pub(crate) fn running(&self) -> &Running {
        &self.shared.running
    }
}
