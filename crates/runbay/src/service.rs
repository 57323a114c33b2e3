//! What the commands `serve`, `api` and `worker` have in common.

use std::net::SocketAddr;
use std::net::TcpListener;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use runbay_engine::Engine;
use runbay_engine::EngineSettings;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::limit_list::LimitSettings;
use crate::settings::AcceptanceSettings;
use crate::settings::UpkeepSettings;

/// Starts to listen. Must be called before the rights of root are given up, which low ports need.
pub(crate) fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| format!("failed to listen on {address}"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Runs a service in a runtime of its own until it ends.
pub(crate) fn run(service: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
    runtime.block_on(service)?;
    // Whatever still runs is not worth waiting for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

/// Installs the recorder of metrics.
pub(crate) fn record_metrics() -> anyhow::Result<PrometheusHandle> {
    let recorder = runbay_api::build_recorder()?;
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| anyhow::anyhow!("metrics are recorded already"))?;
    Ok(handle)
}

/// Returns the settings of the engine.
pub(crate) fn engine_settings(
    acceptance: &AcceptanceSettings,
    limits: &LimitSettings,
    upkeep: &UpkeepSettings,
) -> EngineSettings {
    EngineSettings {
        queue_max_depth: acceptance.queue_max_depth,
        require_queue: acceptance.require_queue,
        pace: acceptance.pace(),
        limit_ranges: limits.ranges,
        lease: upkeep.lease(),
        retention: upkeep.retention(),
        ..EngineSettings::default()
    }
}

/// Starts to sweep until `stop` is cancelled.
pub(crate) fn sweep(engine: &Engine, stop: &CancellationToken) -> JoinHandle<()> {
    let (engine, stop) = (engine.clone(), stop.clone());
    tokio::spawn(async move { engine.keep_swept(stop).await })
}
