//! Request fields that more than one route has: how they are sent, and how they are checked.

mod code;
mod counted;
mod environment;
mod erase;
#[cfg(test)]
mod fuzz;
mod input;
mod limits;
mod priority;
mod program;
mod shortened;
mod signal;
mod test_cases;
mod wait;

pub(crate) use code::CodeFields;
pub(crate) use code::FileBody;
pub(crate) use code::Files;
pub(crate) use counted::Counted;
pub(crate) use environment::Variables;
pub(crate) use erase::EraseQuery;
pub(crate) use input::Arguments;
pub(crate) use limits::ChosenLimits;
pub(crate) use priority::ChosenPriority;
pub(crate) use program::CreateExecution;
pub(crate) use program::RunSession;
pub(crate) use signal::ChosenSignal;
pub(crate) use test_cases::TestCaseBody;
pub(crate) use test_cases::TestCases;
pub(crate) use wait::Wait;
