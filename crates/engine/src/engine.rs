//! The parts that all use cases share.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use runbay_events::EventBus;
use runbay_model::Catalog;
use runbay_model::Language;
use runbay_model::LanguageId;
use runbay_model::LimitRanges;
use runbay_queue::Queue;
use runbay_shares::Turns;
use runbay_store::Command;
use runbay_store::Store;
use runbay_store::WriteError;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::Checker;
use crate::EngineSettings;
use crate::Offer;
use crate::RemotePrograms;
use crate::Unavailable;
use crate::UnknownLanguage;
use crate::attempt::running::Running;
use crate::outage::Outages;
use crate::queueing::waiting::Waiting;
use crate::storage::Storage;

/// How long a caller waits for the database. A change that began is completed all the same.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a caller waits until the queue and the watchers know of a durable change.
const TELLING_PATIENCE: Duration = Duration::from_millis(500);

/// How long closing waits for changes that began.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);

/// How many checks may wait for each that is under way: somebody who types does not wait for more than a few others.
const CHECKS_WAITING: usize = 16;

/// The parts of an engine.
pub struct EngineParts {
    /// The rows.
    pub store: Store,
    /// The wake-ups for workers.
    pub queue: Arc<dyn Queue>,
    /// Where changes are published.
    pub events: Arc<dyn EventBus>,
    /// The languages that are offered.
    pub offer: Offer,
    /// The checker of code. None when this process has none.
    pub checker: Option<Arc<dyn Checker>>,
    /// Reaches the programs of other processes. None when there are none.
    pub programs: Option<Arc<dyn RemotePrograms>>,
    /// The settings of the engine.
    pub settings: EngineSettings,
}

/// The use cases of the service. It is cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    parts: EngineParts,
    running: Running,
    outages: Outages,
    waiting: Waiting,
    checks: Turns,
    storage: Storage,
    tasks: TaskTracker,
}

impl Engine {
    /// Makes an engine of its parts.
    #[must_use]
    pub fn new(parts: EngineParts) -> Self {
        let checks = Turns::new(parts.settings.check_slots.unwrap_or(1), CHECKS_WAITING);
        let storage = Storage::new(parts.settings.storage);
        Self {
            shared: Arc::new(Shared {
                parts,
                running: Running::default(),
                outages: Outages::default(),
                waiting: Waiting::default(),
                checks,
                storage,
                tasks: TaskTracker::new(),
            }),
        }
    }

    /// Returns the languages that are offered at present.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.offer().catalog()
    }

    /// Returns the range in which requests may choose each limit.
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

    /// Completes changes that began, within a few seconds, and closes the database. Later calls return [`Unavailable`].
    pub async fn close(&self) {
        self.shared.tasks.close();
        if timeout(CLOSE_PATIENCE, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!("the database is closed although some writes are not finished");
        }
        if timeout(CLOSE_PATIENCE, self.store().close()).await.is_err() {
            tracing::warn!("the database did not close in time");
        }
    }

    /// Runs `change` to its end even if the caller goes away, so that no commit lacks its consequences.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when it takes too long. It may still happen.
    pub(crate) async fn carry_through<T: Send + 'static>(
        &self,
        change: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        timeout(PATIENCE, self.begin(change)).await.map_err(Unavailable::new)?.map_err(Unavailable::new)
    }

    /// Starts `change`. It runs to its end even if nobody waits for it.
    pub(crate) fn begin<T: Send + 'static>(&self, change: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.shared.tasks.spawn(change.in_current_span())
    }

    /// Tells the queue and the watchers of a durable change. The caller waits only for a short time.
    pub(crate) async fn tell(&self, news: impl Future<Output = ()> + Send + 'static) {
        if timeout(TELLING_PATIENCE, self.begin(news)).await.is_err() {
            tracing::debug!("a change is durable, and the queue or the watchers are not told yet");
        }
    }

    /// Runs `change` to its end although nobody waits for it.
    pub(crate) fn carry_on(&self, change: impl Future<Output = ()> + Send + 'static) {
        // At the very end of a process there may be no runtime. The next start then repairs what is left.
        if let Ok(runtime) = Handle::try_current() {
            self.shared.tasks.spawn_on(change.in_current_span(), &runtime);
        }
    }

    /// Finds the language that a request names.
    pub(crate) fn offered_language(&self, name: &str) -> Result<Language, UnknownLanguage> {
        self.catalog().find(name).cloned().ok_or_else(|| self.unknown_language(name))
    }

    /// Finds the language of a request that names none.
    pub(crate) fn default_language(&self) -> Option<Language> {
        self.catalog().default_language().cloned()
    }

    /// Finds the language that a request changes to. Returns none if it names none.
    pub(crate) fn chosen_language(&self, name: Option<&str>) -> Result<Option<LanguageId>, UnknownLanguage> {
        name.map(|name| self.offered_language(name).map(|language| language.id)).transpose()
    }

    pub(crate) fn unknown_language(&self, name: &str) -> UnknownLanguage {
        let catalog = self.catalog();
        let known = catalog.languages().iter().map(|language| language.id.to_string()).collect();
        UnknownLanguage { name: name.to_owned(), known, nearest: catalog.nearest(name).map(ToString::to_string) }
    }

    pub(crate) fn offer(&self) -> &Offer {
        &self.shared.parts.offer
    }

    /// Applies a command that is never refused.
    pub(crate) async fn write<C: Command<Refusal = Infallible>>(&self, command: C) -> Result<C::Answer, Unavailable> {
        match self.store().write(command).await {
            Ok(answer) => Ok(answer),
            Err(WriteError::Refused(never)) => match never {},
            Err(WriteError::Failed(error)) => Err(error.into()),
        }
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

    pub(crate) fn remote_programs(&self) -> Option<&dyn RemotePrograms> {
        self.shared.parts.programs.as_deref()
    }

    pub(crate) fn checker(&self) -> Option<&dyn Checker> {
        self.shared.parts.checker.as_deref()
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> &EngineSettings {
        &self.shared.parts.settings
    }

    pub(crate) fn outages(&self) -> &Outages {
        &self.shared.outages
    }

    pub(crate) fn waiting(&self) -> &Waiting {
        &self.shared.waiting
    }

    pub(crate) fn checks(&self) -> &Turns {
        &self.shared.checks
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.shared.storage
    }

    pub(crate) fn running(&self) -> &Running {
        &self.shared.running
    }
}
