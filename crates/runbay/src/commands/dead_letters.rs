//! `runbay dead-letters`: executions that failed although their programs are not to blame.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use clap::Subcommand;
use runbay_engine::Engine;
use runbay_engine::EngineParts;
use runbay_engine::EngineSettings;
use runbay_engine::Offer;
use runbay_model::ExecutionId;
use runbay_model::PageRequest;
use runbay_model::TenantId;

use crate::backend::Backend;
use crate::backend::WithoutQueue;
use crate::identity;
use crate::settings;
use crate::settings::BackendSettings;
use crate::settings::Given;
use crate::settings::ProcessSettings;
use crate::settings::WrittenBackend;
use crate::table;

/// List, run again or delete executions that failed although their programs are not to blame.
///
/// It works at the database server. With SQLite, which belongs to `runbay serve` alone, use its routes under
/// /dead-letters instead.
#[derive(Debug, Args)]
pub(crate) struct DeadLetters {
    #[command(subcommand)]
    action: Action,

    /// File with settings, named like the flags
    #[arg(long, env = "RUNBAY_CONFIG", value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    #[command(flatten)]
    backend: Given<WrittenBackend>,

    /// Account to run as, by name or number [default: runbay, or an unused number]
    #[arg(long, env = "RUNBAY_USER", value_name = "ACCOUNT")]
    user: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the newest ones
    List {
        /// The most to list
        #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Run the same again as a new execution
    Requeue {
        /// The id of the execution that failed
        #[arg(value_name = "EXECUTION")]
        id: ExecutionId,
    },
    /// Take it off the list; it stays in the history
    Delete {
        /// The id of the execution that failed
        #[arg(value_name = "EXECUTION")]
        id: ExecutionId,
    },
}

impl DeadLetters {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let file = settings::read_file(self.config.as_deref())?;
        let backend = self.backend.over(&file)?;
        anyhow::ensure!(
            backend.database.is_server(),
            "runbay dead-letters works at a database server: set RUNBAY_DATABASE_URL or --database-url; for a `runbay \
             serve` with SQLite use GET /dead-letters"
        );
        identity::drop_rights(ProcessSettings::account(self.user, &file)?.as_deref())?;
        let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
        runtime.block_on(self.action.carry_out(&backend))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Action {
    async fn carry_out(self, backend: &BackendSettings) -> anyhow::Result<()> {
        let engine = open(backend).await?;
        let tenant = TenantId::default();
        let mut out = std::io::stdout();
        match self {
            Self::List { limit } => list(&engine, &tenant, usize::from(limit)).await?,
            Self::Requeue { id } => {
                let execution = engine.requeue_dead_letter(&tenant, id).await?;
                writeln!(out, "Execution {} runs it again.", execution.id)?;
            }
            Self::Delete { id } => {
                engine.forget_dead_letter(&tenant, id).await.context("there is no such dead letter to delete")?;
                writeln!(out, "Execution {id} is no dead letter any more.")?;
            }
        }
        engine.close().await;
        Ok(())
    }
}

async fn open(backend: &BackendSettings) -> anyhow::Result<Engine> {
    let Backend { store, queue, events, .. } = Backend::open(backend, PathBuf::new(), WithoutQueue::Wait).await?;
    let engine = Engine::new(EngineParts {
        store,
        queue,
        events,
        offer: Offer::of_workers(),
        checker: None,
        programs: None,
        settings: EngineSettings::default(),
    });
    engine.refresh_offer().await?;
    Ok(engine)
}

async fn list(engine: &Engine, tenant: &TenantId, limit: usize) -> anyhow::Result<()> {
    let page = engine.dead_letters(tenant, PageRequest { after: None, limit }).await?;
    if page.entries.is_empty() {
        writeln!(std::io::stdout(), "There are no dead letters.")?;
        return Ok(());
    }
    let mut rows =
        vec![["EXECUTION", "SESSION", "LANGUAGE", "REASON", "ATTEMPTS", "GIVEN UP"].map(str::to_owned).to_vec()];
    for letter in page.entries {
        let execution = letter.execution;
        rows.push(vec![
            execution.id.to_string(),
            execution.session.map(|session| session.to_string()).unwrap_or_default(),
            execution.language.to_string(),
            execution.state.reason().map_or("", |reason| reason.as_str()).to_owned(),
            execution.state.attempt().0.to_string(),
            letter.dead_lettered_at.to_string(),
        ]);
    }
    table::print(&rows)?;
    if page.last.is_some() {
        writeln!(std::io::stdout(), "There are more; --limit shows up to 1000.")?;
    }
    Ok(())
}
