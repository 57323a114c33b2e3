//! Faults of a run that are not the program's.

use std::sync::Arc;

use runbay_model::LanguageId;
use runbay_sandbox::BayError;
use runbay_sandbox::RunError;

/// A run without an outcome, because the host or the service failed.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// This worker does not offer the language.
    #[error("the language {0} is not available on this worker")]
    UnknownLanguage(LanguageId),
    /// No bay was available.
    #[error("failed to get a bay")]
    Bay(#[source] BayError),
    /// The bay failed.
    #[error("failed to run the program")]
    Run(#[source] RunError),
    /// The compilation that several requests waited for had this fault.
    #[error(transparent)]
    Shared(Arc<Self>),
}
