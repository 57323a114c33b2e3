//! From source code to an outcome: recipes, version probes, compilations, runs, checks and verdicts.
//!
//! A recipe says how a language is compiled, run and checked; [`Runner`] knows which recipes work on this host. The
//! crate knows neither sessions nor queues.

mod amount;
mod bays;
mod check;
mod compile;
mod embedded;
mod fault;
#[cfg(test)]
mod fuzz;
mod installed;
mod judge;
mod limits;
mod live;
mod overtime;
mod probe;
mod program;
mod ran;
mod recipe;
mod recipes;
mod runner;
mod signal;
mod test_cases;
mod tool;

pub use fault::RunFault;
pub use limits::bay_limits;
pub use live::ControlSender;
pub use live::InputClosed;
pub use live::InputSender;
pub use live::LiveClient;
pub use live::LiveControl;
pub use live::LiveOutput;
pub use live::LiveRun;
pub use live::NotSent;
pub use live::OutputReceiver;
pub use live::live;
pub use probe::Absent;
pub use program::told_stream;
pub use ran::Ran;
pub use recipe::Recipe;
pub use recipe::RecipeError;
pub use recipes::recipes;
pub use runbay_sandbox::Chunk;
pub use runbay_sandbox::OutputStream;
pub use runner::Runner;
pub use runner::RunnerSettings;
