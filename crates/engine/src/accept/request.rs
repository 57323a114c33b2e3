//! What a run is asked for with.

use runbay_model::CodeChange;
use runbay_model::IdempotencyKey;
use runbay_model::Work;

/// A request for a run: of a session, or of code that comes with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunRequest {
    /// The id or alias of a language: the session's new one, or that of the code.
    pub language: Option<String>,
    /// Code to save in the session first, or the code to run; without it the session's code, or the language's template.
    pub code: Option<CodeChange>,
    /// How to run the code.
    pub work: Work,
    /// A name for the request, if sending it again must have no further effect.
    pub idempotency_key: Option<IdempotencyKey>,
}
