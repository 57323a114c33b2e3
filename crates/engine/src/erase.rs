//! Erasing sessions with all that came of them.

use runbay_model::Session;
use runbay_model::SessionId;
use runbay_model::TenantId;
use runbay_store::EraseSession;
use runbay_store::SessionNotFound;
use runbay_store::WriteError;
use tokio::time::Instant;
use tokio::time::sleep;

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
