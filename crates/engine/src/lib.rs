//! The use cases of the service, one file per group; the api and the worker share them.
//!
//! The engine keeps rows, queue and events in step: the row is written first and is the truth, then the queue is
//! woken, then the change is published. It knows no HTTP, no sandbox and no SQL, and it never decides by itself
//! which move of an execution is legal: `runbay_model::next` does.

mod announce;
mod cancel;
mod check;
mod claim;
mod dead_letters;
mod engine;
mod error;
mod executions;
mod finish;
mod follow;
mod idempotency;
mod languages;
mod lease;
mod lists;
mod metrics;
mod offer;
mod outage;
mod places;
mod readiness;
mod recover;
mod requeue;
mod running;
mod sessions;
mod settings;
mod submit;
mod sweep;
mod wait;
mod workers;

pub use check::CheckFault;
pub use check::CheckRequest;
pub use check::Checker;
pub use claim::Claim;
pub use engine::Engine;
pub use engine::EngineParts;
pub use error::CancelError;
pub use error::CheckError;
pub use error::ClaimError;
pub use error::CreateSessionError;
pub use error::ReadError;
pub use error::RequeueError;
pub use error::SaveSessionError;
pub use error::SubmitError;
pub use error::Unavailable;
pub use error::UnknownLanguage;
pub use finish::Recorded;
pub use lease::WorkerCard;
pub use lease::WorkerLease;
pub use metrics::describe_metrics;
pub use offer::Offer;
pub use outage::Outage;
pub use outage::with_causes;
pub use readiness::Readiness;
pub use recover::Recovered;
pub use runbay_model::CodeChange;
pub use runbay_model::Priority;
pub use runbay_model::Work;
pub use runbay_store::Acceptance;
pub use runbay_store::DeadLetter;
pub use runbay_store::Outlook;
pub use runbay_store::Pace;
pub use sessions::NewSession;
pub use sessions::SessionChange;
pub use settings::EngineSettings;
pub use settings::Retention;
pub use submit::OneShotRequest;
pub use submit::RunRequest;
pub use workers::WorkerRow;

#[cfg(test)]
mod tests;
