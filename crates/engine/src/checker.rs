//! The interface of checkers.

use std::error::Error;

use async_trait::async_trait;
use runbay_model::CheckReport;
use runbay_model::LanguageId;
use runbay_model::Sources;
use runbay_model::TenantId;

/// Checks code without running it.
#[async_trait]
pub trait Checker: Send + Sync {
    /// Checks a program.
    ///
    /// CANCEL: dropping the future ends the check.
    ///
    /// # Errors
    ///
    /// [`CheckFault`] when the check failed and the program is not to blame.
    async fn check(
        &self,
        tenant: &TenantId,
        language: &LanguageId,
        sources: &Sources,
    ) -> Result<CheckReport, CheckFault>;
}

/// Why a check gave no result.
#[derive(Debug, thiserror::Error)]
pub enum CheckFault {
    /// Too many checks run and wait.
    #[error("too many checks are under way")]
    Busy,
    /// The checker did not work.
    #[error("the checker did not work")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}
