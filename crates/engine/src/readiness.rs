//! Whether the parts that a process needs answer.

use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;

use crate::Engine;
use crate::Unavailable;

/// How long each check may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the parts that the engine needs answer.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// Whether rows can be read.
    pub database: Result<(), Unavailable>,
    /// How many executions wait in the queue.
    pub queue: Result<usize, Unavailable>,
    /// How many workers live and take executions.
    pub workers: Result<usize, Unavailable>,
    /// Whether executions are accepted in any language.
    pub has_languages: bool,
    /// Whether so many executions wait that further ones are refused.
    pub is_full: bool,
}

impl Engine {
    /// Returns whether the database answers.
    pub async fn database_answers(&self) -> bool {
        soon(async { Ok(self.store().check().await?) }).await.is_ok()
    }

    /// Returns whether any language is offered. Reads the workers' rows if none is known: the first worker may have
    /// started since they were read.
    async fn look_for_languages(&self) -> Result<bool, Unavailable> {
        if self.default_language().is_none() {
            self.refresh_offer().await?;
        }
        Ok(self.default_language().is_some())
    }

    /// Checks that the database and the queue answer, and counts the workers.
    pub async fn ready(&self) -> Readiness {
        let database = soon(async { Ok(self.store().check().await?) });
        let queue = soon(self.queue_depth());
        let workers = soon(async {
            let workers = self.workers().await?;
            Ok(workers.iter().filter(|worker| worker.is_alive && !worker.is_draining).count())
        });
        let languages = soon(self.look_for_languages());
        let (database, queue, workers, languages) = tokio::join!(database, queue, workers, languages);
        let is_full = queue.as_ref().is_ok_and(|depth| *depth >= self.settings().queue_max_depth);
        Readiness { database, queue, workers, has_languages: languages.unwrap_or(false), is_full }
    }
}

async fn soon<T>(check: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
    timeout(PATIENCE, check).await.map_err(Unavailable::new)?
}
