//! What can go wrong with a run that is not the program's fault.

use std::sync::Arc;

use runbay_model::LanguageId;
use runbay_sandbox::BayError;
use runbay_sandbox::RunError;

/// A run that gave no outcome, by a fault of host or service.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// The language is not (or no longer) offered by this worker.
    #[error("the language {0} is not available on this worker")]
    UnknownLanguage(LanguageId),
    /// No bay could be had.
    #[error("failed to get a bay")]
    Bay(#[source] BayError),
    /// The bay failed.
    #[error("failed to run the program")]
    Run(#[source] RunError),
    /// Several waited for one compilation, and it had this fault.
    #[error(transparent)]
    Shared(Arc<Self>),
}
