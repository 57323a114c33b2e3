//! Lists, page by page.

use std::collections::HashMap;
use std::future::Future;

use runbay_model::ExecutionId;
use runbay_model::ExecutionSummary;
use runbay_model::Page;
use runbay_model::PageRequest;
use runbay_model::SessionId;
use runbay_model::SessionSummary;
use runbay_model::TenantId;

use crate::Engine;
use crate::ReadError;

impl Engine {
    /// Lists the sessions of a tenant, newest first.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the database does not answer.
    pub async fn sessions(&self, tenant: &TenantId, page: PageRequest) -> Result<Page<SessionSummary>, ReadError> {
        self.read(some(self.store().sessions(tenant, page))).await
    }

    /// Returns the executions of these sessions that have not ended; a session has one at most.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the database does not answer.
    pub async fn active_executions(
        &self,
        tenant: &TenantId,
        sessions: &[SessionId],
    ) -> Result<HashMap<SessionId, ExecutionId>, ReadError> {
        if sessions.is_empty() {
            return Ok(HashMap::new());
        }
        self.read(some(self.store().active_executions(tenant, sessions))).await
    }

    /// Lists the executions of a session, newest first.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when the session does not exist for this tenant or the database does not answer.
    pub async fn executions_of_session(
        &self,
        tenant: &TenantId,
        session: SessionId,
        page: PageRequest,
    ) -> Result<Page<ExecutionSummary>, ReadError> {
        let found = self.read(some(self.store().executions_of_session(tenant, session, page))).await?;
        if found.entries.is_empty() {
            // An empty page leaves open whether the session exists.
            self.session(tenant, session).await?;
        }
        Ok(found)
    }
}

pub(crate) async fn some<T, E>(read: impl Future<Output = Result<T, E>>) -> Result<Option<T>, E> {
    read.await.map(Some)
}
