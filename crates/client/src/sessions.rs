//! Requests about sessions.

use reqwest::Method;
use runbay_model::SessionId;
use serde::Serialize;
use uuid::Uuid;

use crate::Accepted;
use crate::CheckReport;
use crate::Client;
use crate::Code;
use crate::NewSession;
use crate::RequestError;
use crate::Run;
use crate::Save;
use crate::Saved;
use crate::Session;
use crate::send::IDEMPOTENCY_KEY;
use crate::send::Repeat;
use crate::send::send;

/// What to check in place of what is saved.
#[derive(Serialize)]
struct Check<'a> {
    #[serde(flatten)]
    code: Option<&'a Code>,
}

impl Client {
    /// Opens a session. The request is repeated with the same idempotency key where its answer is lost.
    ///
    /// CANCEL: the session may have been opened.
    ///
    /// # Errors
    ///
    /// [`RequestError`] of the last try.
    pub async fn create_session(&self, session: &NewSession) -> Result<Session, RequestError> {
        let request = self.request(Method::POST, &["code-sessions"]).header(IDEMPOTENCY_KEY, new_key());
        send(request.json(session), Repeat::Harmless).await
    }

    /// Saves code or language of a session. The request is not repeated, as somebody else may have saved meanwhile.
    ///
    /// CANCEL: the save may have taken effect.
    ///
    /// # Errors
    ///
    /// [`RequestError`]; after a lost connection it is not known whether the save took effect.
    pub async fn save(&self, session: SessionId, save: &Save) -> Result<Saved, RequestError> {
        let request = self.request(Method::PATCH, &["code-sessions", &session.to_string()]);
        send(request.json(save), Repeat::Never).await
    }

    /// Starts a run of a session. The request is repeated with the same idempotency key where its answer is lost.
    ///
    /// CANCEL: the run may have been started.
    ///
    /// # Errors
    ///
    /// [`RequestError`] of the last try.
    pub async fn run(&self, session: SessionId, run: &Run) -> Result<Accepted, RequestError> {
        let request = self.request(Method::POST, &["code-sessions", &session.to_string(), "run"]);
        send(request.header(IDEMPOTENCY_KEY, new_key()).json(run), Repeat::Harmless).await
    }

    /// Checks the code of a session, or other code in its place, without running or saving it.
    ///
    /// # Errors
    ///
    /// [`RequestError`] of the last try.
    pub async fn check(&self, session: SessionId, code: Option<&Code>) -> Result<CheckReport, RequestError> {
        let request = self.request(Method::POST, &["code-sessions", &session.to_string(), "check"]);
        send(request.json(&Check { code }), Repeat::Harmless).await
    }
}

/// Makes a name for a request that nobody else gives to one.
pub(crate) fn new_key() -> String {
    Uuid::new_v4().to_string()
}
