//! What programs are not allowed to do, as data with a reason for each entry.

mod filter;
mod proc;
mod rules;

pub(crate) use filter::Filter;
pub(crate) use proc::MASKED_PROC_DIRECTORIES;
pub(crate) use proc::MASKED_PROC_FILES;
