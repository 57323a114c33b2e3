//! Artefacts of earlier compilations.

use std::future::Future;
use std::sync::Arc;

use metrics::counter;
use metrics::describe_counter;
use metrics::describe_gauge;
use metrics::gauge;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use runbay_sandbox::Invocation;

use super::compilation::Compilation;
use super::compilation::Compiled;
use super::compilation::Refusal;
use super::key::Key;
use super::key::Sharing;
use super::request::CompileRequest;
use crate::fault::RunFault;

const HITS: &str = "runbay_compile_cache_hits_total";
const MISSES: &str = "runbay_compile_cache_misses_total";
const BYTES: &str = "runbay_compile_cache_bytes";

/// A cache of artefacts from successful compilations. It evicts the least recently used ones when it is full.
///
/// Programs in a bay cannot reach the cache: an artefact is a sealed copy that pid 1 of a compile bay handed over, and
/// its key covers everything that the compiler could see.
#[derive(Debug)]
pub(crate) struct CompileCache {
    entries: Cache<Key, Arc<Compiled>>,
    sharing: Sharing,
}

/// Why there is no artefact to keep. Everyone who waits for the compilation gets it.
enum Nothing {
    Refused(Arc<Refusal>),
    Fault(Arc<RunFault>),
}

impl CompileCache {
    /// The least size that the cache counts for an artefact. Each is an open file of the service, and those are few.
    pub(crate) const LEAST_ENTRY_BYTES: u64 = 64 * 1024;

    /// Makes a cache that holds at most `bytes` of artefacts and compiler output.
    pub(crate) fn new(bytes: u64, sharing: Sharing) -> Self {
        describe_counter!(HITS, "Compilations that were not needed, as the same had been compiled before");
        describe_counter!(MISSES, "Compilations that were needed");
        describe_gauge!(BYTES, "What the artefacts of earlier compilations take");
        let entries = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, compiled: &Arc<Compiled>| weight(compiled))
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { entries, sharing }
    }

    /// Returns the artefact of an earlier compilation. If there is none, awaits `compiling` and keeps its artefact.
    ///
    /// Callers that ask for the same compilation at the same time share one.
    ///
    /// CANCEL: if the caller that compiles is dropped, another caller awaits its own `compiling`.
    pub(super) async fn get_or_compile(
        &self,
        request: &CompileRequest<'_>,
        invocation: &Invocation,
        compiling: impl Future<Output = Result<Compilation, RunFault>>,
    ) -> Result<Compilation, RunFault> {
        let key = Key::of(request, invocation, self.sharing);
        let entry = self.entries.entry(key).or_try_insert_with(async {
            match compiling.await {
                Ok(Compilation::Fresh(compiled) | Compilation::Reused(compiled)) => Ok(compiled),
                Ok(Compilation::Refused(refusal)) => Err(Nothing::Refused(refusal)),
                Err(fault) => Err(Nothing::Fault(Arc::new(fault))),
            }
        });
        match entry.await {
            Ok(entry) if entry.is_fresh() => {
                counter!(MISSES).increment(1);
                self.settle().await;
                Ok(Compilation::Fresh(entry.into_value()))
            }
            Ok(entry) => {
                counter!(HITS).increment(1);
                Ok(Compilation::Reused(entry.into_value()))
            }
            Err(nothing) => match &*nothing {
                Nothing::Refused(refusal) => Ok(Compilation::Refused(Arc::clone(refusal))),
                Nothing::Fault(fault) => Err(RunFault::Shared(Arc::clone(fault))),
            },
        }
    }

    /// Evicts the excess at once, because it takes memory and open files.
    async fn settle(&self) {
        self.entries.run_pending_tasks().await;
        #[expect(clippy::cast_precision_loss, reason = "there are less than 2^52 bytes")]
        gauge!(BYTES).set(self.entries.weighted_size() as f64);
    }
}

fn weight(compiled: &Compiled) -> u32 {
    let bytes = compiled.artefact.bytes().saturating_add(compiled.output.len() as u64);
    u32::try_from(bytes.max(CompileCache::LEAST_ENTRY_BYTES)).unwrap_or(u32::MAX)
}
