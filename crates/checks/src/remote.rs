//! Asking.

use async_trait::async_trait;
use runbay_engine::CheckFault;
use runbay_engine::Checker;
use runbay_model::CheckReport;
use runbay_model::Diagnostic;
use runbay_model::LanguageId;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_redis::AskError;
use runbay_redis::Error;
use runbay_redis::Mailboxes;
use runbay_redis::Prefix;
use runbay_redis::Recipient;
use runbay_redis::Redis;

use crate::mailboxes;
use crate::message::Reply;
use crate::message::Request;

/// Has code checked by a worker that serves its language.
pub struct RemoteChecker {
    mailboxes: Mailboxes,
}

/// Why a worker gave no report.
#[derive(Debug, thiserror::Error)]
pub enum RemoteFault {
    /// There is no way to a worker.
    #[error("no worker can be asked")]
    Redis(#[source] Error),
    /// A worker has begun and says nothing more, or the request cannot be sent.
    #[error("the worker that checks the code does not answer")]
    Silent(#[source] AskError),
    /// A worker's checker did not work.
    #[error("the worker says: {0}")]
    Worker(String),
    /// What is sent or received makes no sense to this version.
    #[error("what the worker says cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

impl From<RemoteFault> for CheckFault {
    fn from(fault: RemoteFault) -> Self {
        Self::Failed(Box::new(fault))
    }
}

impl RemoteChecker {
    /// Makes a checker that asks over the keys that begin with `prefix`.
    #[must_use]
    pub fn new(redis: Redis, prefix: &Prefix) -> Self {
        Self { mailboxes: mailboxes(redis, prefix) }
    }

    async fn ask(&self, language: &LanguageId, request: &Request) -> Result<Reply, CheckFault> {
        let request = serde_json::to_vec(request).map_err(RemoteFault::Unreadable)?;
        let asking = self.mailboxes.ask(Recipient::Any(language.as_str()), &request);
        let reply = asking.await.map_err(|error| match error {
            AskError::Full | AskError::NotTaken | AskError::Nobody => CheckFault::Busy,
            AskError::Redis(error) => RemoteFault::Redis(error).into(),
            error => RemoteFault::Silent(error).into(),
        })?;
        Ok(serde_json::from_slice(&reply).map_err(RemoteFault::Unreadable)?)
    }
}

#[async_trait]
impl Checker for RemoteChecker {
    /// CANCEL: the worker is told that nobody waits for the check, and ends it.
    async fn check(
        &self,
        tenant: &TenantId,
        language: &LanguageId,
        sources: &Sources,
    ) -> Result<CheckReport, CheckFault> {
        match self.ask(language, &Request::new(tenant, language, sources)).await? {
            Reply::Report { diagnostics, message } => {
                Ok(CheckReport { diagnostics: diagnostics.into_iter().map(Diagnostic::from).collect(), message })
            }
            Reply::Busy => Err(CheckFault::Busy),
            Reply::Failed(cause) => Err(RemoteFault::Worker(cause).into()),
        }
    }
}
