//! Request fields that more than one route has: their form, and what is made of them.

mod code;
mod counted;
mod environment;
#[cfg(test)]
mod fuzz;
mod limits;
mod priority;
mod shortened;
mod test_cases;
mod wait;
mod work;

pub(crate) use code::CodeFields;
pub(crate) use code::FileBody;
pub(crate) use code::Files;
pub(crate) use counted::Counted;
pub(crate) use environment::Variables;
pub(crate) use limits::ChosenLimits;
pub(crate) use priority::ChosenPriority;
pub(crate) use test_cases::TestCaseBody;
pub(crate) use test_cases::TestCases;
pub(crate) use wait::Wait;
pub(crate) use work::Arguments;
pub(crate) use work::WorkFields;
