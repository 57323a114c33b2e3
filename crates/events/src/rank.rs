//! Which execution is forgotten first.

use std::collections::BTreeSet;

use runbay_model::ExecutionId;

/// Executions that ended come before those that go on, and of each the older ones before the younger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    pub(crate) goes_on: bool,
    /// Counts the executions that became known.
    pub(crate) birth: u64,
    pub(crate) execution: ExecutionId,
}

/// Finds what is forgotten first, but never the execution that it makes room for.
pub(crate) fn first_but(order: &BTreeSet<Rank>, newest: ExecutionId) -> Option<ExecutionId> {
    order.iter().map(|rank| rank.execution).find(|execution| *execution != newest)
}
