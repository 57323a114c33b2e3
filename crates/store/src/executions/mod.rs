//! Reads and writes of executions, one file per move of their life cycle.

mod accept;
mod advance;
mod cancel;
mod claim;
mod dead_letters;
mod erase;
mod finish;
mod head;
mod leases;
mod list;
mod pace;
mod read;
mod requeue;
mod settle;

pub use accept::AcceptOneShot;
pub use accept::AcceptRefusal;
pub use accept::AcceptRun;
pub use accept::Acceptance;
pub use cancel::CancelExecution;
pub use cancel::CancelRefusal;
pub(crate) use cancel::cancel_active;
pub use claim::ClaimExecution;
pub use claim::Claimed;
pub use claim::LeaseExpired;
pub use dead_letters::DeadLetter;
pub use dead_letters::DeadLetterNotFound;
pub use dead_letters::DeleteDeadLetter;
pub use dead_letters::RequeueDeadLetter;
pub use dead_letters::RequeueRefusal;
pub use erase::EraseExecution;
pub use erase::ExecutionNotFound;
pub use finish::FinishExecution;
pub use finish::Stale;
pub use head::ExecutionHead;
pub(crate) use head::head;
pub use leases::ReclaimExecution;
pub use pace::Pace;
pub use requeue::HandBackExecution;
pub use requeue::LoseExecution;
pub use settle::SettleExecution;

#[cfg(test)]
pub(crate) mod queries {
    pub(crate) use super::dead_letters::of_tenant;
    pub(crate) use super::leases::expired;
    pub(crate) use super::list::of_session;
    pub(crate) use super::pace::nth_newest_query;
    pub(crate) use super::read::queued;
    pub(crate) use super::read::report_columns;
    pub(crate) use super::read::with_status;
    pub(crate) use super::settle::stopping;
}
