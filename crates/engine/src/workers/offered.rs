//! The living workers, and their offer.

use std::cmp::Reverse;
use std::time::Duration;

use runbay_model::Catalog;
use runbay_model::Language;
use runbay_model::LanguageId;
use runbay_model::Timestamp;
use runbay_model::WorkerId;
use runbay_store::SeenWorker;
use tokio::time::timeout;

use crate::Engine;
use crate::Unavailable;
use crate::watch::read::READ_PATIENCE;
use crate::workers::document::languages;
use crate::workers::offer::Source;

/// How long the languages of a stopped worker are still offered while its successor starts.
///
/// This is longer than any restart takes. It is not longer than that, because a language may have been given up for
/// good.
const RESTART: Duration = Duration::from_secs(600);

/// A worker as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerRow {
    /// This life of the worker.
    pub id: WorkerId,
    /// A name for people.
    pub name: String,
    /// The version of its program.
    pub version: String,
    /// How many executions it runs at a time.
    pub slots: u32,
    /// How many executions it ran when it last renewed its row.
    pub running: u32,
    /// The languages that it serves.
    pub languages: Vec<LanguageId>,
    /// When it was started, by its own clock.
    pub started_at: Timestamp,
    /// When it last renewed its row.
    pub last_seen_at: Timestamp,
    /// Whether it has renewed its row within the lease.
    pub is_alive: bool,
    /// Whether it takes no more executions.
    pub is_draining: bool,
}

impl Engine {
    /// Lists all workers by name, with those that died within the last hour and without those that stopped.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer.
    pub async fn workers(&self) -> Result<Vec<WorkerRow>, Unavailable> {
        let now = Timestamp::now();
        let present = self.seen_workers().await?.into_iter().filter(|seen| !seen.worker.has_stopped());
        Ok(present.map(|seen| self.worker_row(seen, now)).collect())
    }

    /// Reads the offered languages from the workers' rows. Does nothing where this process runs what it offers.
    ///
    /// The languages of workers that died within the last hour or stopped within the last ten minutes are offered as
    /// well: executions are accepted and wait for a worker. If there are no such workers at all, the offer stays as it
    /// was.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when the database does not answer.
    pub async fn refresh_offer(&self) -> Result<(), Unavailable> {
        if self.offer().source() == Source::ThisProcess {
            return Ok(());
        }
        let mut seen = self.seen_workers().await?;
        if self.settings().check_slots.is_none() {
            self.checks().set_slots(slots(&seen, self.settings().lease));
        }
        seen.retain(may_come_back);
        if !seen.is_empty() {
            self.offer().replace(union(seen, self.settings().lease));
        }
        Ok(())
    }

    async fn seen_workers(&self) -> Result<Vec<SeenWorker>, Unavailable> {
        Ok(timeout(READ_PATIENCE, self.store().workers()).await.map_err(Unavailable::new)??)
    }

    fn worker_row(&self, seen: SeenWorker, now: Timestamp) -> WorkerRow {
        let is_alive = is_alive(&seen, self.settings().lease);
        let SeenWorker { worker, unseen_for } = seen;
        WorkerRow {
            id: worker.id,
            name: worker.name,
            version: worker.version,
            slots: worker.slots,
            running: worker.running,
            languages: languages(&worker.languages).into_iter().map(|language| language.id).collect(),
            started_at: worker.started_at,
            last_seen_at: now.before(unseen_for),
            is_alive,
            is_draining: worker.draining,
        }
    }
}

fn is_alive(seen: &SeenWorker, lease: Duration) -> bool {
    seen.unseen_for <= lease && !seen.worker.has_stopped()
}

/// Returns how many slots the living workers have together.
fn slots(workers: &[SeenWorker], lease: Duration) -> usize {
    let living = workers.iter().filter(|seen| is_alive(seen, lease));
    living.map(|seen| usize::try_from(seen.worker.slots).unwrap_or(usize::MAX)).fold(0, usize::saturating_add)
}

/// Returns whether a worker's languages are offered: it is alive, or it or a successor may come back.
fn may_come_back(seen: &SeenWorker) -> bool {
    !seen.worker.has_stopped() || seen.unseen_for <= RESTART
}

/// Merges the languages of several workers.
///
/// Of several descriptions of a language, that of the youngest living worker counts. A checker on any living worker is
/// enough.
fn union(mut workers: Vec<SeenWorker>, lease: Duration) -> Catalog {
    workers.sort_by_key(|seen| (!is_alive(seen, lease), Reverse(seen.worker.started_at), seen.worker.id));
    let mut all: Vec<Language> = Vec::new();
    for seen in &workers {
        for language in languages(&seen.worker.languages) {
            match all.iter_mut().find(|known| known.id == language.id) {
                Some(known) => known.has_checker |= language.has_checker && is_alive(seen, lease),
                None => all.push(language),
            }
        }
    }
    Catalog::new(all)
}

#[cfg(test)]
mod tests {
    use runbay_store::Worker;

    use super::*;

    const LEASE: Duration = Duration::from_secs(10);

    fn seen(languages: &str, started_at: i64, unseen_for: Duration) -> SeenWorker {
        let worker = Worker {
            id: WorkerId::random(),
            name: String::new(),
            version: String::new(),
            slots: 1,
            running: 0,
            languages: languages.to_owned(),
            started_at: Timestamp::from_micros(started_at),
            draining: false,
        };
        SeenWorker { worker, unseen_for }
    }

    #[test]
    fn what_a_dead_worker_served_is_offered_unless_a_living_one_knows_better() {
        let living = seen(r#"[{"id": "python", "version": "3"}]"#, 1, LEASE);
        let dead = seen(r#"[{"id": "go", "version": "1"}, {"id": "python", "version": "2"}]"#, 2, LEASE * 2);
        let catalog = union(vec![dead, living], LEASE);
        let offered: Vec<_> =
            catalog.languages().iter().map(|language| (language.id.as_str(), language.version.as_str())).collect();
        assert_eq!(offered, [("python", "3"), ("go", "1")]);
    }

    #[test]
    fn code_is_checked_where_a_living_worker_can() {
        let with = |unseen_for| seen(r#"[{"id": "python", "version": "3", "has_checker": true}]"#, 1, unseen_for);
        let without = || seen(r#"[{"id": "python", "version": "3", "has_checker": false}]"#, 2, LEASE);
        assert!(union(vec![with(LEASE), without()], LEASE).languages()[0].has_checker);
        assert!(!union(vec![with(LEASE * 2), without()], LEASE).languages()[0].has_checker);
    }

    #[test]
    fn a_worker_that_stopped_is_not_alive_and_is_not_waited_for_for_ever() {
        let stopped = |unseen_for| {
            let seen = seen("[]", 1, unseen_for);
            SeenWorker { worker: Worker { slots: 0, ..seen.worker }, unseen_for }
        };
        assert!(!is_alive(&stopped(Duration::ZERO), LEASE));
        assert!(may_come_back(&stopped(RESTART)));
        assert!(!may_come_back(&stopped(RESTART + Duration::from_micros(1))));
        assert!(may_come_back(&seen("[]", 1, 2 * RESTART)), "one that died is awaited as long as it has a row");
    }
}
