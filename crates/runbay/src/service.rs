//! What the commands `serve`, `api` and `worker` have in common.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use runbay_api::Audience;
use runbay_api::Exposure;
use runbay_engine::Engine;
use runbay_engine::EngineSettings;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::warn;

use crate::limit_list::LimitSettings;
use crate::settings::AcceptanceSettings;
use crate::settings::ApiAccess;
use crate::settings::ListenAddress;
use crate::settings::UpkeepSettings;

/// Starts to listen. Must be called before the rights of root are given up, which low ports need.
pub(crate) fn listen(address: &ListenAddress) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address.as_str()).with_context(|| format!("failed to listen on {address}"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Logs where the process can be reached, and warns if that is by people whom it does not know.
pub(crate) fn say_listening(address: SocketAddr, access: &ApiAccess, exposure: &Exposure) {
    let url = access.public().map_or_else(|| url_of(address), ToString::to_string);
    info!(server.address = %address, server.url = url, version = env!("CARGO_PKG_VERSION"), "listening");
    if let Some(consequence) = anonymous_access(exposure) {
        warn!("{consequence}");
    }
}

/// Says in one sentence what it means that others reach a server without keys; none where nobody else reaches it.
pub(crate) fn anonymous_access(exposure: &Exposure) -> Option<&'static str> {
    match exposure.audience() {
        Audience::ThisMachine => None,
        Audience::Others => Some(
            "there are no keys: everybody who reaches this server can run programs, and read, change and close the \
             sessions whose ids they know; let a firewall or a proxy decide who reaches it, or listen on loopback",
        ),
    }
}

/// Returns an address that can be opened on this machine.
fn url_of(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        let loopback = if address.is_ipv4() { IpAddr::from(Ipv4Addr::LOCALHOST) } else { Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    format!("http://{address}")
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
