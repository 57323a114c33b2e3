//! Reading executions.

use std::future::Future;
use std::time::Duration;

use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::RunInput;
use runbay_model::TenantId;
use runbay_store::ExecutionHead;
use tokio::time::timeout;

use crate::Engine;
use crate::ReadError;
use crate::Unavailable;

/// How long a read may take.
pub(crate) const READ_PATIENCE: Duration = Duration::from_secs(5);

impl Engine {
    /// Reads an execution with its result.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it does not exist for this tenant or the database does not answer.
    pub async fn report(&self, tenant: &TenantId, id: ExecutionId) -> Result<ExecutionReport, ReadError> {
        self.read(self.store().report(tenant, id)).await
    }

    /// Reads what an execution runs.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it does not exist for this tenant or the database does not answer.
    pub async fn input(&self, tenant: &TenantId, id: ExecutionId) -> Result<RunInput, ReadError> {
        self.read(self.store().input(tenant, id)).await
    }

    /// Reads the head of an execution. It costs the same whatever the size of its code and output.
    pub(crate) async fn execution_head(&self, tenant: &TenantId, id: ExecutionId) -> Result<ExecutionHead, ReadError> {
        self.read(self.store().execution_head(tenant, id)).await
    }

    /// Waits for a read until [`READ_PATIENCE`] is over.
    pub(crate) async fn read<T>(
        &self,
        row: impl Future<Output = Result<Option<T>, runbay_store::StoreError>>,
    ) -> Result<T, ReadError> {
        let row = timeout(READ_PATIENCE, row).await.map_err(Unavailable::new)?.map_err(Unavailable::from)?;
        row.ok_or(ReadError::NotFound)
    }
}
