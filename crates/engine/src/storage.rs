//! How much is stored, and how much each client adds.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use metrics::gauge;
use runbay_model::CodeChange;
use runbay_shares::Budget;
use runbay_shares::Client;

use crate::Engine;
use crate::NoRoom;
use crate::RunRequest;
use crate::StorageBounds;
use crate::Unavailable;
use crate::metrics::STORED_BYTES;

/// What a row takes beside its texts, with its part of the indexes.
const ROW_BYTES: u64 = 1024;

/// What has been stored, and what clients have added.
#[derive(Debug)]
pub(crate) struct Storage {
    max: Option<u64>,
    /// The size of the database when it was last measured.
    measured: AtomicU64,
    /// What was added since then.
    added: AtomicU64,
    budget: Budget,
}

/// What a request makes larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    /// A new session, new code, or a run without a session.
    New,
    /// One more run of what is there; it goes on a little longer than the rest.
    Run,
}

impl Storage {
    pub(crate) fn new(bounds: StorageBounds) -> Self {
        let (measured, added) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { max: bounds.max_bytes, measured, added, budget: Budget::hourly(bounds.client_hourly_bytes) }
    }

    fn admit(&self, client: Option<Client>, growth: Growth, bytes: u64) -> Result<(), NoRoom> {
        let stored = self.measured.load(Ordering::Relaxed).saturating_add(self.added.load(Ordering::Relaxed));
        if let Some(max) = self.max {
            let bound = match growth {
                Growth::New => max,
                Growth::Run => max.saturating_add(max / 8),
            };
            if stored.saturating_add(bytes) > bound {
                return Err(NoRoom::Full { stored, max });
            }
        }
        if let Some(client) = client {
            self.budget.spend(client, bytes).map_err(NoRoom::Spent)?;
        }
        self.added.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Notes what was added, whether there is room or not.
    fn charge(&self, client: Option<Client>, bytes: u64) {
        if let Some(client) = client {
            self.budget.charge(client, bytes);
        }
        self.added.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes back what was admitted.
    fn refund(&self, client: Option<Client>, bytes: u64) {
        if let Some(client) = client {
            self.budget.refund(client, bytes);
        }
        self.forget(bytes);
    }

    /// Counts less as added. A measurement may have taken it away already.
    fn forget(&self, bytes: u64) {
        let less = |added: u64| Some(added.saturating_sub(bytes));
        _ = self.added.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Returns what was added before a measurement, which the measurement will have seen.
    fn added(&self) -> u64 {
        self.added.load(Ordering::Relaxed)
    }

    /// Takes a measurement in place of what was added before it. What comes while it is taken may count twice until
    /// the next one, and is never missed.
    fn measured(&self, bytes: u64, added_before: u64) {
        self.measured.store(bytes, Ordering::Relaxed);
        self.forget(added_before);
    }
}

/// Room for a row that is not written yet. Without the row it is given back.
pub(crate) struct AdmittedBytes {
    engine: Engine,
    client: Option<Client>,
    bytes: u64,
}

impl AdmittedBytes {
    /// Notes that the row is written, with so many bytes of text.
    pub(crate) fn keep(self, bytes: u64) {
        // What was admitted goes back when this is dropped.
        self.engine.storage().charge(self.client, bytes.saturating_add(ROW_BYTES));
    }
}

impl Drop for AdmittedBytes {
    fn drop(&mut self) {
        self.engine.storage().refund(self.client, self.bytes);
    }
}

impl Engine {
    /// Takes room for a row with so many bytes of text.
    pub(crate) fn admit_bytes(
        &self,
        client: Option<Client>,
        growth: Growth,
        bytes: usize,
    ) -> Result<AdmittedBytes, NoRoom> {
        let bytes = whole(bytes).saturating_add(ROW_BYTES);
        self.storage().admit(client, growth, bytes)?;
        Ok(AdmittedBytes { engine: self.clone(), client, bytes })
    }

    /// Measures the database.
    pub(crate) async fn measure_storage(&self) -> Result<(), Unavailable> {
        let added_before = self.storage().added();
        let bytes = self.store().stored_bytes().await?;
        self.storage().measured(bytes, added_before);
        #[expect(clippy::cast_precision_loss, reason = "a database is smaller than 2^52 bytes")]
        gauge!(STORED_BYTES).set(bytes as f64);
        Ok(())
    }
}

/// Returns the size of code that comes with a request.
pub(crate) fn code_bytes(code: &CodeChange) -> usize {
    match code {
        CodeChange::SourceCode(code) => code.as_str().len(),
        CodeChange::Files(sources) => sources.bytes(),
    }
}

/// Returns the size of what comes with a request for a run.
pub(crate) fn given_bytes(request: &RunRequest) -> usize {
    let mut bytes = request.code.as_ref().map_or(0, code_bytes);
    request.work.each_given(|_, value| bytes += value.len());
    bytes
}

pub(crate) fn whole(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_during_a_measurement_counts() {
        let storage = Storage::new(StorageBounds { max_bytes: Some(100), client_hourly_bytes: None });
        storage.admit(None, Growth::New, 40).unwrap();
        let added_before = storage.added();
        storage.admit(None, Growth::New, 30).unwrap();
        storage.measured(40, added_before);
        assert_eq!(storage.admit(None, Growth::New, 31), Err(NoRoom::Full { stored: 70, max: 100 }));
        storage.admit(None, Growth::New, 30).unwrap();
        storage.admit(None, Growth::Run, 12).unwrap();
    }
}
