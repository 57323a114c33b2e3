//! `runbay serve`: the whole service in one process.

use std::net::TcpListener;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use runbay_api::Api;
use runbay_api::ApiParts;
use runbay_api::Exposure;
use runbay_api::NotReady;
use runbay_api::Readiness;
use runbay_engine::Engine;
use runbay_engine::EngineParts;
use runbay_engine::EngineSettings;
use runbay_engine::Pace;
use runbay_events::MemoryEventBus;
use runbay_events::MemoryEventBusLimits;
use runbay_queue::MemoryQueue;
use runbay_queue::Queue;
use runbay_runner::Runner;
use runbay_runner::RunnerSettings;
use runbay_sandbox::Isolation;
use runbay_store::DataDirectory;
use runbay_store::Store;
use runbay_worker::Alive;
use runbay_worker::CheckerSettings;
use runbay_worker::RunnerChecker;
use runbay_worker::Worker;
use runbay_worker::WorkerSettings;
use tokio::signal::unix::SignalKind;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::warn;

use crate::identity;
use crate::logging;
use crate::open_files;
use crate::sandbox;
use crate::settings::ServeFlags;
use crate::settings::ServeSettings;

/// Serve the HTTP API and run code, with an embedded database and queue.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// File with settings, named like the flags
    #[arg(long, env = "RUNBAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    flags: ServeFlags,
}

impl Serve {
    /// Does everything that needs the rights of root, gives them up, and serves.
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let settings = self.flags.complete(self.config.as_deref())?;
        logging::start(&settings.log)?;
        let slots = settings.slots.unwrap_or_else(|| default_slots(settings.limits.default.memory_bytes));
        // Two bays for a slot: one runs while the last one is torn down.
        let max_bays = slots.saturating_mul(2).saturating_add(16);
        open_files::raise_limit()?;
        let entry_bytes = Runner::LEAST_CACHE_ENTRY_BYTES;
        let artefacts = usize::try_from(settings.compile_cache_bytes.div_ceil(entry_bytes)).unwrap_or(usize::MAX);
        let shares = open_files::share_out(max_bays, artefacts)?;
        let recipes =
            sandbox::choose(runbay_runner::recipes(settings.languages_dir.as_deref())?, settings.languages.as_deref())?;
        let data = DataDirectory::lock(&settings.data_dir)?;
        let listener =
            TcpListener::bind(settings.listen).with_context(|| format!("failed to listen on {}", settings.listen))?;
        let seed = sandbox::start(recipes, max_bays, settings.first_bay_uid)?;
        let data_path = identity::become_service(settings.user.as_deref(), &data)?;

        let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
        runtime.block_on(serve(Parts { settings, slots, shares, seed, listener, data_path }))?;
        // Nothing that is worth waiting for is left.
        runtime.shutdown_timeout(Duration::from_secs(1));
        drop(data);
        Ok(ExitCode::SUCCESS)
    }
}

/// What was prepared with the rights of root.
struct Parts {
    settings: ServeSettings,
    slots: usize,
    shares: open_files::Shares,
    seed: sandbox::Seed,
    listener: TcpListener,
    data_path: PathBuf,
}

async fn serve(parts: Parts) -> anyhow::Result<()> {
    let Parts { settings, slots, shares, seed, listener, data_path } = parts;
    let recorder = runbay_api::build_recorder()?;
    let metrics = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| anyhow::anyhow!("metrics are recorded already"))?;

    let exposure = Exposure::of(listener.local_addr()?);
    let runner = Arc::new(probe(seed, runner_settings(&settings, &shares)).await?);
    check_isolation(runner.isolation(), exposure, settings.allow_degraded)?;
    let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new());
    let engine = Engine::new(EngineParts {
        store: Store::open_sqlite(&data_path).await?,
        queue: Arc::clone(&queue),
        events: Arc::new(MemoryEventBus::new(MemoryEventBusLimits::default())),
        catalog: runner.catalog(),
        checker: Some(Arc::new(RunnerChecker::new(Arc::clone(&runner), &CheckerSettings::default()))),
        settings: EngineSettings {
            queue_max_depth: settings.queue_max_depth,
            pace: Pace {
                runs_per_minute: settings.session_runs_per_minute,
                cooldown: Duration::from_millis(settings.session_cooldown_ms),
            },
            limit_ranges: settings.limits.ranges,
            ..EngineSettings::default()
        },
    });
    let recovered = engine.recover().await?;
    if recovered.queued + recovered.requeued + recovered.lost > 0 {
        info!(recovered.queued, recovered.requeued, recovered.lost, "found unfinished executions");
    }

    let drain = Duration::from_secs(settings.drain_seconds);
    let worker = Worker::new(engine.clone(), queue, Arc::clone(&runner), WorkerSettings { slots, drain });
    let stop = stop_on_signals()?;
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let api = Api::new(ApiParts {
        engine: engine.clone(),
        readiness: Arc::new(ServeReadiness { runner: Arc::clone(&runner), worker: worker.alive() }),
        metrics,
        exposure,
        max_connections: shares.connections,
        shutdown: stop.clone(),
    });
    // A server whose worker is gone would only fill its queue, so the one stops with the other.
    let stop_with_worker = stop.clone().drop_guard();
    let stop_worker = stop.clone();
    let working = tokio::spawn(async move {
        let _stop = stop_with_worker;
        worker.work(stop_worker).await;
    });
    let sweeper = engine.clone();
    let stop_sweeper = stop.clone();
    let sweeping = tokio::spawn(async move { sweeper.keep_swept(stop_sweeper).await });
    let sandbox_lost = tokio::spawn(stop_without_sandbox(runner, stop.clone()));
    info!(server.address = %address, "listening");

    runbay_api::serve(listener, api, stop).await;
    let worked = working.await;
    sweeping.await.context("the sweeper failed")?;
    engine.close().await;
    worked.context("the worker failed")?;
    anyhow::ensure!(!sandbox_lost.await?, "the sandbox is lost; what was queued is run after the next start");
    info!("stopped");
    Ok(())
}

fn runner_settings(settings: &ServeSettings, shares: &open_files::Shares) -> RunnerSettings {
    let artefacts = u64::try_from(shares.artefacts).unwrap_or(u64::MAX);
    let fitting = artefacts.saturating_mul(Runner::LEAST_CACHE_ENTRY_BYTES);
    if fitting < settings.compile_cache_bytes {
        warn!("the compile cache is lowered to {fitting} bytes, as few files may be open; raise ulimit -n");
    }
    RunnerSettings {
        compile_cache_bytes: settings.compile_cache_bytes.min(fitting),
        share_compile_cache: settings.share_compile_cache,
        default_limits: settings.limits.default,
        most_limits: settings.limits.ranges.most,
    }
}

/// Finds the languages of this host, and says what is missing.
async fn probe(seed: sandbox::Seed, settings: RunnerSettings) -> anyhow::Result<Runner> {
    let (runner, absent) = seed.grow(settings).await?;
    for absent in absent {
        warn!(language.id = absent.language, "language is not offered: {}", absent.why);
    }
    let catalog = runner.catalog();
    let offered: Vec<_> =
        catalog.languages().iter().map(|language| format!("{} {}", language.id, language.version)).collect();
    anyhow::ensure!(!offered.is_empty(), "no language can be run on this host; see `runbay languages`");
    info!(isolation = runner.isolation().as_str(), languages = offered.join(", "), "sandbox ready");
    Ok(runner)
}

/// Refuses to run the programs of strangers without limits on memory and processes.
fn check_isolation(isolation: Isolation, exposure: Exposure, allow_degraded: bool) -> anyhow::Result<()> {
    if isolation == Isolation::Full {
        return Ok(());
    }
    anyhow::ensure!(
        exposure == Exposure::Loopback || allow_degraded,
        "the isolation level {} is only for servers that listen on loopback; `runbay doctor` shows what is missing, \
         and --allow-degraded accepts it",
        isolation.as_str()
    );
    warn!(isolation = isolation.as_str(), "programs are limited one process at a time only; see `runbay doctor`");
    Ok(())
}

/// Returns a token that SIGTERM and SIGINT cancel.
fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate())?;
    let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt())?;
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping");
        token.cancel();
    });
    Ok(stop)
}

/// Stops the service when no program can be run any more: going on would only make every execution fail.
///
/// Returns whether that is why it stopped.
async fn stop_without_sandbox(runner: Arc<Runner>, stop: CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = runner.lost() => {
            stop.cancel();
            true
        }
    }
}

/// Four for each core, but no more than three quarters of the memory can hold.
fn default_slots(run_bytes: u64) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let by_memory =
        memory_bytes().map_or(usize::MAX, |bytes| usize::try_from(bytes / 4 * 3 / run_bytes).unwrap_or(usize::MAX));
    (4 * cores).min(by_memory).max(1)
}

/// Reads the size of the memory from /proc/meminfo, see proc(5).
fn memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes: u64 =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

struct ServeReadiness {
    runner: Arc<Runner>,
    worker: Alive,
}

impl Readiness for ServeReadiness {
    fn isolation(&self) -> String {
        self.runner.isolation().as_str().to_owned()
    }

    fn workers(&self) -> Result<(), NotReady> {
        if self.worker.get() { Ok(()) } else { Err(NotReady("The worker takes no executions.".to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_need_full_isolation() {
        assert!(check_isolation(Isolation::Full, Exposure::Network, false).is_ok());
        assert!(check_isolation(Isolation::Rlimits, Exposure::Loopback, false).is_ok());
        assert!(check_isolation(Isolation::Rlimits, Exposure::Network, false).is_err());
        assert!(check_isolation(Isolation::Rlimits, Exposure::Network, true).is_ok());
    }
}
