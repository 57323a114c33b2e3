//! The use cases of the service, one file per group; the api and the worker share them.
//!
//! The engine keeps rows, queue and events in step: the row is written first and is the truth, then the queue is
//! woken, then the change is published. It knows no HTTP, no sandbox and no SQL, and it never decides by itself
//! which move of an execution is legal: `runbay_model::next` does.

mod announce;
mod cancel;
mod check;
mod claim;
mod engine;
mod error;
mod executions;
mod finish;
mod idempotency;
mod lists;
mod recover;
mod requeue;
mod running;
mod sessions;
mod submit;
mod sweep;
mod wait;

pub use check::CheckFault;
pub use check::CheckRequest;
pub use check::Checker;
pub use claim::Claim;
pub use engine::Engine;
pub use engine::EngineParts;
pub use engine::EngineSettings;
pub use error::CancelError;
pub use error::CheckError;
pub use error::CreateSessionError;
pub use error::ReadError;
pub use error::SaveSessionError;
pub use error::SubmitError;
pub use error::Unavailable;
pub use error::UnknownLanguage;
pub use finish::Recorded;
pub use recover::Recovered;
pub use runbay_model::CodeChange;
pub use runbay_model::Work;
pub use runbay_store::Acceptance;
pub use runbay_store::Pace;
pub use sessions::NewSession;
pub use sessions::SessionChange;
pub use submit::OneShotRequest;
pub use submit::RunRequest;

#[cfg(test)]
mod tests;
