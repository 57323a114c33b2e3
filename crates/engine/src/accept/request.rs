//! Requests for runs.

use runbay_model::CodeChange;
use runbay_model::IdempotencyKey;
use runbay_model::Work;
use runbay_shares::Client;

/// A request for a run of a session or of its own code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunRequest {
    /// The id or alias of a language: the new language of the session, or that of the code.
    pub language: Option<String>,
    /// The code to save in the session first, or the code to run. Without it, the session's code or the language's
    /// template is run.
    pub code: Option<CodeChange>,
    /// How to run the code.
    pub work: Work,
    /// The idempotency key. None when the request has no key.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Who asks. None where nobody shares the service with others.
    pub client: Option<Client>,
}
