//! `runbay worker`: runs what an api in another process accepts.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use metrics_exporter_prometheus::PrometheusHandle;
use runbay_api::Api;
use runbay_api::ApiParts;
use runbay_api::Audience;
use runbay_api::Everybody;
use runbay_api::Exposure;
use runbay_api::Readiness;
use runbay_api::Scope;
use runbay_checks::Answering;
use runbay_checks::answer_checks;
use runbay_engine::Engine;
use runbay_engine::EngineParts;
use runbay_engine::Offer;
use runbay_runner::Runner;
use runbay_worker::CheckerSettings;
use runbay_worker::RunnerChecker;
use runbay_worker::Worker;
use runbay_worker::WorkerSettings;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::backend::Backend;
use crate::backend::SharedRedis;
use crate::backend::WithoutQueue;
use crate::execution_host::ExecutionHost;
use crate::execution_host::Plan;
use crate::execution_host::stop_without_sandbox;
use crate::identity;
use crate::limit_list::LimitSettings;
use crate::logging;
use crate::readiness::LocalReadiness;
use crate::service;
use crate::settings;
use crate::settings::AcceptanceSettings;
use crate::settings::BackendSettings;
use crate::settings::Given;
use crate::settings::ListenSettings;
use crate::settings::ProcessSettings;
use crate::settings::ProgramSettings;
use crate::settings::UpkeepSettings;
use crate::settings::WrittenBackend;
use crate::settings::WrittenLimits;
use crate::signals::stop_on_signals;

/// Run what others accept over the same database server and Redis, see `runbay api`.
///
/// With --listen it answers /healthz, /readyz and /metrics, and nothing else.
#[derive(Debug, Args)]
pub(crate) struct Work {
    /// File with settings, named like the flags
    #[arg(long, env = "RUNBAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    listen: Given<ListenSettings>,

    #[command(flatten)]
    process: Given<ProcessSettings>,

    #[command(flatten)]
    backend: Given<WrittenBackend>,

    #[command(flatten)]
    programs: Given<ProgramSettings>,

    #[command(flatten)]
    limits: Given<WrittenLimits>,

    #[command(flatten)]
    upkeep: Given<UpkeepSettings>,
}

/// What was prepared with the rights of root, and what the operator chose.
struct Parts {
    listener: Option<TcpListener>,
    host: ExecutionHost,
    backend: BackendSettings,
    programs: ProgramSettings,
    limits: LimitSettings,
    upkeep: UpkeepSettings,
}

impl Work {
    /// Does everything that needs the rights of root, gives them up, and runs executions.
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let file = settings::read_file(self.config.as_deref())?;
        let process = self.process.over(&file)?;
        let backend = self.backend.over(&file)?.shared("worker")?;
        let programs = self.programs.over(&file)?;
        let limits = self.limits.over(&file)?;
        let upkeep = self.upkeep.over(&file)?;
        let listen = self.listen.over(&file)?.listen;
        logging::start(&process.log)?;
        let plan = Plan::new(&programs, &limits)?;
        let listener = listen.as_ref().map(service::listen).transpose()?;
        let uids = plan.reserve_uids(process.user.as_deref())?;
        let host = plan.set_up()?;
        identity::drop_rights(process.user.as_deref())?;
        service::run(work(Parts { listener, host, backend, programs, limits, upkeep }))?;
        drop(uids);
        Ok(ExitCode::SUCCESS)
    }
}

async fn work(parts: Parts) -> anyhow::Result<()> {
    let Parts { listener, host, backend, programs, limits, upkeep } = parts;
    let metrics = service::record_metrics()?;
    let (slots, max_connections) = (host.slots, host.shares.connections);
    let interactive_slots = host.interactive_slots;
    let checks = CheckerSettings::with_slots(host.check_slots);
    // The programs of a worker come over the network, whoever sent them.
    let runner = host.open(&programs, &limits, Audience::Others).await?;
    let backend = Backend::open(&backend, PathBuf::new(), WithoutQueue::Wait).await?;
    let acceptance = AcceptanceSettings::default();
    let engine = Engine::new(EngineParts {
        store: backend.store,
        queue: Arc::clone(&backend.queue),
        events: backend.events,
        offer: Offer::fixed(runner.catalog()),
        checker: None,
        // A worker has no clients.
        programs: None,
        settings: service::engine_settings(&acceptance, &limits, &upkeep),
    });
    let settings = WorkerSettings { slots, interactive_slots, drain: programs.drain(), heartbeat: upkeep.heartbeat() };
    let worker = Worker::new(engine.clone(), backend.queue, runner.clone(), settings);
    let readiness = Arc::new(LocalReadiness::new(Arc::clone(&runner), worker.alive()));
    let stop = stop_on_signals()?;
    // Answers about its state until the last execution has ended.
    let ended = CancellationToken::new();
    let listening = listener.map(|listener| listen(listener, &engine, readiness, metrics, max_connections, &ended));
    let listening = listening.transpose()?;
    let sweeping = service::sweep(&engine, &stop);
    let passing_on = backend.redis.as_ref().map(|redis| redis.pass_on_inputs(&engine, worker.id(), &ended));
    let answering = backend.redis.map(|redis| tokio::spawn(answer(redis, &runner, &checks, stop.clone())));
    let sandbox_lost = tokio::spawn(stop_without_sandbox(runner, stop.clone()));

    // Checks and sweeper end with the worker, even if it panics.
    let stop_all = stop.clone().drop_guard();
    worker.work(stop).await;
    drop(stop_all);
    sweeping.await.context("the sweeper failed")?;
    if let Some(answering) = answering {
        // Whoever waits for a check under way asks again.
        answering.abort();
    }
    ended.cancel();
    if let Some(passing_on) = passing_on {
        passing_on.await.context("passing on input failed")?;
    }
    if let Some(listening) = listening {
        listening.await.context("the listener failed")?;
    }
    engine.close().await;
    anyhow::ensure!(!sandbox_lost.await?, "the sandbox is lost; others run what this worker had taken");
    info!("stopped");
    Ok(())
}

/// How long a request about the state of the worker may take.
const STATUS_TIME: Duration = Duration::from_secs(5);

fn listen(
    listener: TcpListener,
    engine: &Engine,
    readiness: Arc<dyn Readiness>,
    metrics: PrometheusHandle,
    max_connections: usize,
    ended: &CancellationToken,
) -> anyhow::Result<JoinHandle<()>> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let api = Api::new(ApiParts {
        engine: engine.clone(),
        readiness: Some(readiness),
        scope: Scope::Operations,
        authenticator: Arc::new(Everybody),
        metrics,
        exposure: Arc::new(Exposure::of(address)),
        clients: Arc::default(),
        max_connections,
        request_time: STATUS_TIME,
        shutdown: ended.clone(),
    });
    info!(server.address = %address, version = env!("CARGO_PKG_VERSION"), "listening");
    Ok(tokio::spawn(runbay_api::serve(listener, api, ended.clone())))
}

/// Answers the checks that processes without a sandbox ask for.
fn answer(
    SharedRedis { redis, prefix }: SharedRedis,
    runner: &Arc<Runner>,
    settings: &CheckerSettings,
    stop: CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let catalog = runner.catalog();
    let checked = catalog.languages().iter().filter(|language| language.has_checker);
    let answering = Answering {
        redis,
        prefix,
        checker: Arc::new(RunnerChecker::new(Arc::clone(runner), settings)),
        languages: checked.map(|language| language.id.clone()).collect(),
        slots: settings.slots,
    };
    answer_checks(answering, stop)
}
