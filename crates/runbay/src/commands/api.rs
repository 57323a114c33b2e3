//! `runbay api`: the HTTP API alone, for workers in other processes.

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
use runbay_checks::RemoteChecker;
use runbay_engine::Checker;
use runbay_engine::Engine;
use runbay_engine::EngineParts;
use runbay_engine::EngineSettings;
use runbay_engine::Offer;
use tracing::info;
use tracing::warn;

use crate::backend::Backend;
use crate::backend::SharedRedis;
use crate::backend::WithoutQueue;
use crate::identity;
use crate::limit_list::LimitSettings;
use crate::logging;
use crate::open_files;
use crate::service;
use crate::settings;
use crate::settings::AcceptanceSettings;
use crate::settings::ApiAccess;
use crate::settings::BackendSettings;
use crate::settings::ExposureSettings;
use crate::settings::Given;
use crate::settings::ListenSettings;
use crate::settings::ProcessSettings;
use crate::settings::ShareSettings;
use crate::settings::SharedOut;
use crate::settings::UpkeepSettings;
use crate::settings::WrittenBackend;
use crate::settings::WrittenLimits;
use crate::signals::stop_on_signals;

/// Serve the HTTP API over a database server and Redis; workers run the code, see `runbay worker`.
#[derive(Debug, Args)]
pub(crate) struct ServeApi {
    /// File with settings, named like the flags
    #[arg(long, env = "RUNBAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    listen: Given<ListenSettings>,

    #[command(flatten)]
    exposure: Given<ExposureSettings>,

    #[command(flatten)]
    process: Given<ProcessSettings>,

    #[command(flatten)]
    backend: Given<WrittenBackend>,

    #[command(flatten)]
    limits: Given<WrittenLimits>,

    #[command(flatten)]
    acceptance: Given<AcceptanceSettings>,

    #[command(flatten)]
    upkeep: Given<UpkeepSettings>,

    #[command(flatten)]
    shares: Given<ShareSettings>,
}

/// What the operator chose.
struct Parts {
    listener: TcpListener,
    access: ApiAccess,
    max_connections: usize,
    backend: BackendSettings,
    limits: LimitSettings,
    acceptance: AcceptanceSettings,
    upkeep: UpkeepSettings,
    shared_out: SharedOut,
}

impl ServeApi {
    /// Serves without a sandbox; gives up the rights of root if it has them.
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let file = settings::read_file(self.config.as_deref())?;
        let process = self.process.over(&file)?;
        let backend = self.backend.over(&file)?.shared("api")?;
        let limits = self.limits.over(&file)?;
        let acceptance = self.acceptance.over(&file)?;
        let upkeep = self.upkeep.over(&file)?;
        let shared_out = self.shares.over(&file)?;
        let listen = self.listen.over(&file)?.address();
        let access = self.exposure.over(&file)?;
        logging::start(&process.log)?;
        open_files::raise_limit()?;
        let max_connections = shared_out.connections(open_files::share_out(0, 0)?.connections);
        let listener = service::listen(&listen)?;
        identity::drop_rights(process.user.as_deref())?;
        service::run(serve(Parts {
            listener,
            access,
            max_connections,
            backend,
            limits,
            acceptance,
            upkeep,
            shared_out,
        }))?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn serve(parts: Parts) -> anyhow::Result<()> {
    let Parts { listener, access, max_connections, backend, limits, acceptance, upkeep, shared_out } = parts;
    let metrics = service::record_metrics()?;
    let exposure = Arc::new(access.exposure(listener.local_addr()?));
    let backend = Backend::open(&backend, PathBuf::new(), WithoutQueue::of(&acceptance)).await?;
    let programs = backend.redis.as_ref().map(SharedRedis::programs);
    let checker = backend.redis.map(|SharedRedis { redis, prefix }| {
        let checker: Arc<dyn Checker> = Arc::new(RemoteChecker::new(redis, &prefix));
        checker
    });
    let engine = Engine::new(EngineParts {
        store: backend.store,
        queue: backend.queue,
        events: backend.events,
        offer: Offer::of_workers(),
        checker,
        programs,
        settings: EngineSettings {
            storage: shared_out.storage,
            check_slots: None,
            ..service::engine_settings(&acceptance, &limits, &upkeep)
        },
    });
    // The first request is to find the languages of the workers.
    if let Err(error) = engine.refresh_offer().await {
        warn!(error = ?error, "the languages of the workers are not known yet");
    }
    let stop = stop_on_signals()?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let api = Api::new(ApiParts {
        engine: engine.clone(),
        readiness: None,
        scope: Scope::Everything,
        authenticator: Arc::new(Everybody),
        metrics,
        exposure: Arc::clone(&exposure),
        clients: Arc::new(shared_out.clients),
        max_connections,
        request_time: acceptance.request_time(),
        shutdown: stop.clone(),
    });
    let sweeping = service::sweep(&engine, &stop);
    service::say_listening(address, &access, &exposure);
    runbay_api::serve(listener, api, stop).await;
    sweeping.await.context("the sweeper failed")?;
    engine.close().await;
    info!("stopped");
    Ok(())
}
