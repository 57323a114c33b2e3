//! The use cases of the service, which the api and the worker share.
//!
//! The engine keeps rows, queue and events in step: the row is written first and is the truth, then the queue is woken,
//! then the change is published. It knows no HTTP, no sandbox and no SQL. It never decides by itself which move of an
//! execution is legal: `runbay_model::next` does.

mod accept;
mod attempt;
mod check;
mod checker;
mod engine;
mod erase;
mod error;
mod live;
mod metrics;
mod outage;
mod queueing;
mod readiness;
mod sessions;
mod settings;
mod storage;
mod sweep;
mod watch;
mod workers;

pub use accept::request::RunRequest;
pub use attempt::claim::Claim;
pub use attempt::finish::Recorded;
pub use attempt::lease::WorkerCard;
pub use attempt::lease::WorkerLease;
pub use check::CheckRequest;
pub use checker::CheckFault;
pub use checker::Checker;
pub use engine::Engine;
pub use engine::EngineParts;
pub use error::CancelError;
pub use error::CheckError;
pub use error::ClaimError;
pub use error::CreateSessionError;
pub use error::NoPlace;
pub use error::NoRoom;
pub use error::ReadError;
pub use error::RequeueError;
pub use error::SaveSessionError;
pub use error::SubmitError;
pub use error::Unavailable;
pub use error::UnknownLanguage;
pub use live::InputRefused;
pub use live::LiveLink;
pub use live::LiveProgram;
pub use live::RemotePrograms;
pub use live::SendError;
pub use live::Unreachable;
pub use metrics::describe_metrics;
pub use outage::Outage;
pub use outage::with_causes;
pub use readiness::Readiness;
pub use runbay_events::OutputStream;
pub use runbay_model::CodeChange;
pub use runbay_model::Priority;
pub use runbay_model::Work;
pub use runbay_store::AcceptRefusal;
pub use runbay_store::Acceptance;
pub use runbay_store::DeadLetter;
pub use runbay_store::ExecutionHead;
pub use runbay_store::Opened;
pub use runbay_store::Outlook;
pub use runbay_store::Pace;
pub use runbay_store::RequeueRefusal;
pub use sessions::NewSession;
pub use sessions::SessionChange;
pub use settings::EngineSettings;
pub use settings::Retention;
pub use settings::StorageBounds;
pub use sweep::recover::Recovered;
pub use watch::broadcast::Broadcast;
pub use watch::told::Told;
pub use watch::told::ToldEvent;
pub use watch::watcher::Watcher;
pub use workers::offer::Offer;
pub use workers::offered::WorkerRow;

#[cfg(test)]
mod tests;
