//! Accepting an execution without a session.

use runbay_model::ExecutionId;
use runbay_model::RunInput;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::DatabaseTransaction;

use super::AcceptRefusal;
use super::Acceptance;
use super::Accepted;
use super::repeated;
use crate::Command;
use crate::KeyedRequest;
use crate::WriteError;

/// Queues an execution of code that comes with the request.
#[derive(Debug, Clone)]
pub struct AcceptOneShot {
    /// The tenant that asks.
    pub tenant: TenantId,
    /// The id of the new execution.
    pub execution: ExecutionId,
    /// The code, and how to run it.
    pub input: RunInput,
    /// The idempotency key of the request. None when the request has no key.
    pub keyed: Option<KeyedRequest>,
    /// The present time.
    pub at: Timestamp,
}

impl Command for AcceptOneShot {
    type Answer = Acceptance;
    type Refusal = AcceptRefusal;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<Acceptance, WriteError<AcceptRefusal>> {
        if let Some(repeated) = repeated(transaction, self.keyed.as_ref(), self.at).await? {
            return Ok(repeated);
        }
        let Self { tenant, execution: id, input, keyed, at } = self;
        Accepted { id, tenant, session: None, session_version: None, input, keyed, at }.insert(transaction).await
    }
}
