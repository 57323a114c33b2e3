//! What a worker needs to run programs.

use async_trait::async_trait;
use runbay_model::Catalog;
use runbay_model::RunInput;
use runbay_model::TenantId;
use runbay_runner::LiveRun;
use runbay_runner::Ran;
use runbay_runner::RunFault;
use runbay_runner::Runner;
use tokio_util::sync::CancellationToken;

/// Runs programs.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Returns the languages of the programs that it can run.
    fn catalog(&self) -> Catalog;

    /// Runs a program to its end, or until it is told to stop. `live` connects it to a watcher.
    ///
    /// CANCEL: dropping the future ends the program.
    ///
    /// # Errors
    ///
    /// [`RunFault`] when the service, not the program, is to blame.
    async fn run(
        &self,
        tenant: &TenantId,
        input: &RunInput,
        live: Option<LiveRun>,
        stop: &CancellationToken,
    ) -> Result<Ran, RunFault>;
}

#[async_trait]
impl Executor for Runner {
    fn catalog(&self) -> Catalog {
        Self::catalog(self)
    }

    async fn run(
        &self,
        tenant: &TenantId,
        input: &RunInput,
        live: Option<LiveRun>,
        stop: &CancellationToken,
    ) -> Result<Ran, RunFault> {
        self.run_until(stop, tenant, input, live).await
    }
}
