//! Which execution is forgotten first.

use std::collections::BTreeSet;

use runbay_model::ExecutionId;

/// The order in which executions are forgotten: ended ones first, and of either kind the older ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(crate) goes_on: bool,
    /// The number of the execution, counted as executions become known.
    pub(crate) birth: u64,
    pub(crate) execution: ExecutionId,
}

/// Returns the execution that is forgotten first, other than the one that needs the room.
pub(crate) fn first_but(order: &BTreeSet<Rank>, newest: ExecutionId) -> Option<ExecutionId> {
    order.iter().map(|rank| rank.execution).find(|execution| *execution != newest)
}
