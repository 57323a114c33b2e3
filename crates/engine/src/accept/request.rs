//! What executions are asked for with.

use runbay_model::CodeChange;
use runbay_model::IdempotencyKey;
use runbay_model::Priority;
use runbay_model::Sources;
use runbay_model::Work;

/// What a run of a session is asked for with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunRequest {
    /// The id or alias of a language to save first.
    pub language: Option<String>,
    /// Code to save first.
    pub code: Option<CodeChange>,
    /// What to do with the code.
    pub work: Work,
    /// How urgent it is.
    pub priority: Priority,
    /// A name for the request, if sending it again must have no further effect.
    pub idempotency_key: Option<IdempotencyKey>,
}

/// What an execution without a session is asked for with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OneShotRequest {
    /// The id or alias of the language; none for the default language.
    pub language: Option<String>,
    /// The files; none for the language's template.
    pub sources: Option<Sources>,
    /// What to do with the code.
    pub work: Work,
    /// How urgent it is.
    pub priority: Priority,
    /// A name for the request, if sending it again must have no further effect.
    pub idempotency_key: Option<IdempotencyKey>,
}
