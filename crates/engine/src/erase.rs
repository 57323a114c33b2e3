//! Erasing sessions with all that came of them, and single executions.

use runbay_model::ExecutionId;
use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::TenantId;
use runbay_store::EraseExecution;
use runbay_store::EraseSession;
use runbay_store::ExecutionNotFound;
use runbay_store::SessionNotFound;
use runbay_store::WriteError;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::CancelError;
use crate::Engine;
use crate::ReadError;
use crate::Unavailable;
use crate::sweep::batch::BatchSize;

impl Engine {
    /// Closes a session and erases it with its executions, their output and their keys. Returns it as it was last.
    ///
    /// What runs is cancelled first, and a report that comes later finds no row to write to.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it does not exist for this tenant, the database does not answer, or there is too much to erase
    /// in time. Whatever is not erased yet may be erased all the same.
    pub async fn erase_session(&self, tenant: &TenantId, id: SessionId) -> Result<Session, ReadError> {
        // A closed session gets no further executions.
        let session = self.close_session(tenant, id).await?;
        let (engine, tenant) = (self.clone(), tenant.clone());
        self.carry_through(async move { engine.erase_in_batches(&tenant, id).await }).await??;
        Ok(session)
    }

    /// Cancels an execution if it has not ended, and erases it with its output and its key.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when it does not exist for this tenant or the database does not answer.
    pub async fn erase_execution(&self, tenant: &TenantId, id: ExecutionId) -> Result<(), ReadError> {
        match self.cancel(tenant, id).await {
            Ok(_) | Err(CancelError::AlreadyEnded) => {}
            Err(CancelError::NotFound) => return Err(ReadError::NotFound),
            Err(CancelError::Unavailable(error)) => return Err(error.into()),
        }
        let (engine, erase) = (self.clone(), EraseExecution { tenant: tenant.clone(), id });
        match self.carry_through(async move { engine.store().write(erase).await }).await? {
            Ok(()) => Ok(()),
            Err(WriteError::Refused(ExecutionNotFound)) => Err(ReadError::NotFound),
            Err(WriteError::Failed(error)) => Err(ReadError::Unavailable(error.into())),
        }
    }

    async fn erase_in_batches(&self, tenant: &TenantId, id: SessionId) -> Result<(), Unavailable> {
        let (mut size, mut executions) = (BatchSize::default(), 0);
        loop {
            let began = Instant::now();
            let erased = self.store().write(EraseSession { tenant: tenant.clone(), id, limit: size.rows() }).await;
            let took = began.elapsed();
            size.learn(took, erased.is_ok());
            match erased {
                Ok(erased) => {
                    executions += erased.executions;
                    if erased.is_complete {
                        break;
                    }
                }
                // Another request has erased the rest, or retention has.
                Err(WriteError::Refused(SessionNotFound)) => break,
                Err(WriteError::Failed(error)) => return Err(error.into()),
            }
            // The database is for others meanwhile.
            sleep(took).await;
        }
        tracing::info!(session.id = %id, executions, "a session was erased");
        Ok(())
    }
}
