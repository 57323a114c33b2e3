//! The sweep: finds what was lost and removes what is old, again and again.
//!
//! Every process sweeps, and several may at a time: each write states what it expects to find, so only one of them
//! takes effect.

pub(crate) mod batch;
mod entries;
mod leases;
pub(crate) mod recover;
mod removal;
mod rhythm;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Engine;

pub(crate) use self::entries::Looks;
pub(crate) use self::leases::Steadiness;
pub(crate) use self::removal::Progress;
use self::rhythm::Rhythm;

/// The time between two removals.
const REMOVAL_PERIOD: Duration = Duration::from_secs(60);

/// The time between two measurements of the database.
const MEASURING_PERIOD: Duration = Duration::from_secs(5);

impl Engine {
    /// Sweeps until `stop` is cancelled.
    ///
    /// The sweep queues again the executions that lost their worker or their entry in the queue, removes what is old,
    /// keeps the offered languages up to date, measures the database, and counts who waits in the queue.
    pub async fn keep_swept(&self, stop: CancellationToken) {
        let often = Rhythm::new(self.settings().sweep, &stop);
        let rarely = Rhythm::new(REMOVAL_PERIOD, &stop);
        // Each part has a pace of its own, so a slow one does not hold up the others.
        tokio::join!(
            self.keep_leases(often.clone()),
            self.keep_entries(often.clone()),
            self.keep_offer(often.clone()),
            self.keep_waiting(often),
            self.keep_measuring(Rhythm::new(MEASURING_PERIOD, &stop)),
            self.keep_removing(rarely),
        );
    }

    async fn keep_leases(&self, mut rhythm: Rhythm) {
        let mut steadiness = Steadiness::default();
        while rhythm.tick().await {
            rhythm.carry_out(self.sweep_leases(&mut steadiness)).await;
            rhythm.carry_out(self.settle_forsaken()).await;
        }
    }

    async fn keep_entries(&self, mut rhythm: Rhythm) {
        let mut looks = Looks::default();
        while rhythm.tick().await {
            rhythm.carry_out(self.sweep_entries(&mut looks)).await;
        }
    }

    async fn keep_offer(&self, mut rhythm: Rhythm) {
        while rhythm.tick().await {
            rhythm.carry_out(self.refresh_offer()).await;
        }
    }

    async fn keep_waiting(&self, mut rhythm: Rhythm) {
        while rhythm.tick().await {
            rhythm.carry_out(self.sweep_waiting()).await;
        }
    }

    async fn keep_measuring(&self, mut rhythm: Rhythm) {
        while rhythm.tick().await {
            rhythm.carry_out(self.measure_storage()).await;
        }
    }

    async fn keep_removing(&self, mut rhythm: Rhythm) {
        let mut progress = Progress::default();
        while rhythm.tick().await {
            rhythm.carry_out(self.remove_old(&mut progress)).await;
        }
    }
}
