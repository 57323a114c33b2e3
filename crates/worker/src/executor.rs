//! What a worker needs to run programs.

use async_trait::async_trait;
use runbay_model::Catalog;
use runbay_model::Outcome;
use runbay_model::RunInput;
use runbay_model::TenantId;
use runbay_model::Verdict;
use runbay_runner::LiveRun;
use runbay_runner::RunFault;
use runbay_runner::Runner;

/// Runs programs.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Returns the languages of the programs that it can run.
    fn catalog(&self) -> Catalog;

    /// Runs a program to its end. `live` connects it to a watcher.
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
    ) -> Result<(Verdict, Outcome), RunFault>;
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
    ) -> Result<(Verdict, Outcome), RunFault> {
        Self::run(self, tenant, input, live).await
    }
}
