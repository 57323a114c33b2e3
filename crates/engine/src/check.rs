//! Checking code without running it.

use std::time::Duration;

use runbay_model::CheckReport;
use runbay_model::CodeChange;
use runbay_model::SessionId;
use runbay_model::SessionStatus;
use runbay_model::TenantId;
use runbay_shares::Client;
use runbay_shares::NoTurn;
use tokio::time::timeout;

use crate::CheckError;
use crate::CheckFault;
use crate::Engine;
use crate::ReadError;

/// The longest time that a check waits for others: somebody who types does not wait for more than a few.
const TURN_PATIENCE: Duration = Duration::from_secs(12);

/// The longest time of a check. Checkers have limits of their own, which are shorter.
const CHECKER_PATIENCE: Duration = Duration::from_secs(60);

/// A check of a session. Nothing of it is saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckRequest {
    /// The id or alias of the language to check the code as, instead of the session's.
    pub language: Option<String>,
    /// The changes since the last save.
    pub code: Option<CodeChange>,
    /// Who asks. None where nobody shares the service with others.
    pub client: Option<Client>,
}

impl Engine {
    /// Checks the code of a session with its unsaved changes. Writes nothing.
    ///
    /// Where there is no checker, the report says so.
    ///
    /// CANCEL: dropping the future ends the check.
    ///
    /// # Errors
    ///
    /// [`CheckError`] when the session does not exist for this tenant or was closed, its language is not offered, or
    /// the check gave no result.
    pub async fn check(
        &self,
        tenant: &TenantId,
        session: SessionId,
        request: CheckRequest,
    ) -> Result<CheckReport, CheckError> {
        let session = self.session(tenant, session).await.map_err(|error| match error {
            ReadError::NotFound => CheckError::NotFound,
            ReadError::Unavailable(error) => CheckError::Unavailable(error),
        })?;
        if session.status == SessionStatus::Inactive {
            return Err(CheckError::Inactive);
        }
        let language = self.offered_language(request.language.as_deref().unwrap_or(session.language.as_str()))?;
        let Some(checker) = self.checker().filter(|_| language.has_checker) else {
            let message = format!("This server cannot check {} without running it.", language.name);
            return Ok(CheckReport { diagnostics: Vec::new(), message: Some(message) });
        };
        let sources = match request.code {
            Some(code) => code.applied_to(session.sources),
            None => session.sources,
        };
        let _turn = match request.client {
            Some(client) => Some(self.checks().take(client, TURN_PATIENCE).await?),
            None => None,
        };
        match timeout(CHECKER_PATIENCE, checker.check(tenant, &language.id, &sources)).await {
            Ok(Ok(report)) => Ok(report),
            Ok(Err(CheckFault::Busy)) => Err(CheckError::Busy),
            Ok(Err(CheckFault::Failed(fault))) => Err(CheckError::Failed(fault)),
            Err(elapsed) => Err(CheckError::Failed(Box::new(elapsed))),
        }
    }
}

impl From<NoTurn> for CheckError {
    fn from(reason: NoTurn) -> Self {
        match reason {
            NoTurn::Busy => Self::Busy,
            NoTurn::Share { waiting, max } => Self::Share { waiting, max },
        }
    }
}
