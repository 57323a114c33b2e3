//! Reads and writes of executions, one file per move of their life cycle.

mod accept;
mod advance;
mod cancel;
mod claim;
mod finish;
mod head;
mod list;
mod pace;
mod read;
mod requeue;

pub use accept::AcceptOneShot;
pub use accept::AcceptRefusal;
pub use accept::AcceptRun;
pub use accept::Acceptance;
pub use cancel::CancelExecution;
pub use cancel::CancelRefusal;
pub(crate) use cancel::cancel_active;
pub use claim::ClaimExecution;
pub use claim::Claimed;
pub use finish::FinishExecution;
pub use finish::Stale;
pub use head::ExecutionHead;
pub use pace::Pace;
pub use requeue::HandBackExecution;
pub use requeue::LoseExecution;
