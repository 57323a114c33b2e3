//! `runbay serve`: the whole service in one process.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use runbay_api::Api;
use runbay_api::ApiParts;
use runbay_api::Everybody;
use runbay_api::Scope;
use runbay_engine::Engine;
use runbay_engine::EngineParts;
use runbay_engine::EngineSettings;
use runbay_engine::Offer;
use runbay_store::DataDirectory;
use runbay_worker::CheckerSettings;
use runbay_worker::RunnerChecker;
use runbay_worker::Worker;
use runbay_worker::WorkerSettings;
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
use crate::settings::ApiAccess;
use crate::settings::BackendSettings;
use crate::settings::DataSettings;
use crate::settings::ExposureSettings;
use crate::settings::Given;
use crate::settings::ListenSettings;
use crate::settings::ProcessSettings;
use crate::settings::ProgramSettings;
use crate::settings::ShareSettings;
use crate::settings::SharedOut;
use crate::settings::UpkeepSettings;
use crate::settings::WrittenBackend;
use crate::settings::WrittenLimits;
use crate::signals::stop_on_signals;

/// Serve the HTTP API and run code, with an embedded database and queue unless others are named.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// File with settings, named like the flags
    #[arg(long, env = "RUNBAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    listen: Given<ListenSettings>,

    #[command(flatten)]
    exposure: Given<ExposureSettings>,

    #[command(flatten)]
    data: Given<DataSettings>,

    #[command(flatten)]
    process: Given<ProcessSettings>,

    #[command(flatten)]
    backend: Given<WrittenBackend>,

    #[command(flatten)]
    programs: Given<ProgramSettings>,

    #[command(flatten)]
    limits: Given<WrittenLimits>,

    #[command(flatten)]
    acceptance: Given<AcceptanceSettings>,

    #[command(flatten)]
    upkeep: Given<UpkeepSettings>,

    #[command(flatten)]
    shares: Given<ShareSettings>,
}

/// What was prepared with the rights of root, and what the operator chose.
struct Parts {
    listener: TcpListener,
    access: ApiAccess,
    host: ExecutionHost,
    data_path: PathBuf,
    backend: BackendSettings,
    programs: ProgramSettings,
    limits: LimitSettings,
    acceptance: AcceptanceSettings,
    upkeep: UpkeepSettings,
    shared_out: SharedOut,
}

impl Serve {
    /// Does everything that needs the rights of root, gives them up, and serves.
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let file = settings::read_file(self.config.as_deref())?;
        let process = self.process.over(&file)?;
        let backend = self.backend.over(&file)?;
        let programs = self.programs.over(&file)?;
        let limits = self.limits.over(&file)?;
        let acceptance = self.acceptance.over(&file)?;
        let upkeep = self.upkeep.over(&file)?;
        let shared_out = self.shares.over(&file)?;
        let (listen, data_dir) = (self.listen.over(&file)?.address(), self.data.over(&file)?.data_dir);
        let access = self.exposure.over(&file)?;
        logging::start(&process.log)?;
        let plan = Plan::new(&programs, &limits)?;
        // A server database leaves nothing to keep in a directory.
        let data = if backend.database.is_server() { None } else { Some(DataDirectory::lock(&data_dir)?) };
        let listener = service::listen(&listen)?;
        let uids = plan.reserve_uids(process.user.as_deref())?;
        let host = plan.set_up()?;
        let data_path = match &data {
            Some(data) => identity::become_service(process.user.as_deref(), data)?,
            None => {
                identity::drop_rights(process.user.as_deref())?;
                data_dir
            }
        };
        service::run(serve(Parts {
            listener,
            access,
            host,
            data_path,
            backend,
            programs,
            limits,
            acceptance,
            upkeep,
            shared_out,
        }))?;
        drop((data, uids));
        Ok(ExitCode::SUCCESS)
    }
}

async fn serve(parts: Parts) -> anyhow::Result<()> {
    let Parts { listener, access, host, data_path, backend, programs, limits, acceptance, upkeep, shared_out } = parts;
    let metrics = service::record_metrics()?;
    let exposure = Arc::new(access.exposure(listener.local_addr()?));
    let (slots, max_connections) = (host.slots, shared_out.connections(host.shares.connections));
    let (interactive_slots, check_slots) = (host.interactive_slots, host.check_slots);
    let checks = CheckerSettings::with_slots(host.check_slots);
    let without_queue = WithoutQueue::of(&acceptance);
    let runner = host.open(&programs, &limits, exposure.audience()).await?;
    let Backend { store, queue, events, redis } = Backend::open(&backend, data_path, without_queue).await?;
    let engine = Engine::new(EngineParts {
        store,
        queue: Arc::clone(&queue),
        events,
        offer: Offer::fixed(runner.catalog()),
        checker: Some(Arc::new(RunnerChecker::new(Arc::clone(&runner), &checks))),
        programs: redis.as_ref().map(SharedRedis::programs),
        settings: EngineSettings {
            storage: shared_out.storage,
            check_slots: Some(check_slots),
            ..service::engine_settings(&acceptance, &limits, &upkeep)
        },
    });
    if !backend.database.is_server() && redis.is_none() {
        let recovered = engine.recover().await?;
        if recovered.queued + recovered.requeued + recovered.lost > 0 {
            info!(recovered.queued, recovered.requeued, recovered.lost, "found unfinished executions");
        }
    }

    let settings = WorkerSettings { slots, interactive_slots, drain: programs.drain(), heartbeat: upkeep.heartbeat() };
    let worker = Worker::new(engine.clone(), queue, runner.clone(), settings);
    let stop = stop_on_signals()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let api = Api::new(ApiParts {
        engine: engine.clone(),
        readiness: Some(Arc::new(LocalReadiness::new(Arc::clone(&runner), worker.alive()))),
        scope: Scope::Everything,
        authenticator: Arc::new(Everybody),
        metrics,
        exposure: Arc::clone(&exposure),
        clients: Arc::new(shared_out.clients),
        max_connections,
        request_time: acceptance.request_time(),
        shutdown: stop.clone(),
    });
    // A server without its worker would only fill its queue, so both stop together.
    let stop_with_worker = stop.clone().drop_guard();
    let stop_worker = stop.clone();
    // Until the last program has ended, which may be some time after the worker is told to stop.
    let inputs_stop = CancellationToken::new();
    let passing_on = redis.map(|redis| redis.pass_on_inputs(&engine, worker.id(), &inputs_stop));
    let working = tokio::spawn(async move {
        let _stop = stop_with_worker;
        worker.work(stop_worker).await;
    });
    let sweeping = service::sweep(&engine, &stop);
    let sandbox_lost = tokio::spawn(stop_without_sandbox(runner, stop.clone()));
    service::say_listening(address, &access, &exposure);

    runbay_api::serve(listener, api, stop).await;
    let worked = working.await;
    inputs_stop.cancel();
    if let Some(passing_on) = passing_on {
        passing_on.await.context("passing on input failed")?;
    }
    sweeping.await.context("the sweeper failed")?;
    engine.close().await;
    worked.context("the worker failed")?;
    anyhow::ensure!(!sandbox_lost.await?, "the sandbox is lost; what was queued is run after the next start");
    info!("stopped");
    Ok(())
}
