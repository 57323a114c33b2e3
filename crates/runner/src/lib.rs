//! From source code to an outcome: recipes, version probes, compilations, runs, checks and verdicts.
//!
//! A recipe says how a language is compiled, run and checked; [`Runner`] knows which recipes work on this host. The
//! crate knows neither sessions nor queues.

mod amount;
mod check;
mod compile;
mod embedded;
#[cfg(test)]
mod fuzz;
mod installed;
mod judge;
mod limits;
mod probe;
mod program;
mod recipe;
mod recipes;
mod runner;
mod signal;
mod test_cases;
mod tool;

pub use limits::bay_limits;
pub use probe::Absent;
pub use recipe::Recipe;
pub use recipe::RecipeError;
pub use recipes::recipes;
pub use runner::RunFault;
pub use runner::Runner;
pub use runner::RunnerSettings;
