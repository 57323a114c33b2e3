//! From source code to an outcome: recipes, version probes, runs in a bay, and verdicts.
//!
//! A recipe says how a language is run; [`Runner`] knows which recipes work on this host. The crate knows neither
//! sessions nor queues.

mod embedded;
mod judge;
mod probe;
mod recipe;
mod runner;
mod signal;

pub use embedded::embedded_recipes;
pub use probe::Absent;
pub use recipe::Recipe;
pub use recipe::RecipeError;
pub use runner::RunFault;
pub use runner::Runner;
pub use runner::bay_limits;
