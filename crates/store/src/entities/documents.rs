//! Columns that hold a JSON document.
//!
//! Rows outlive releases. The documents therefore have their own types, which do not change when those of the model do.
//! A new member must be optional, and no member is ever renamed or given another meaning. A document of code to run is
//! refused when it has unknown members, because without them something else would run.

mod document;
mod sources;
mod test_plan;
mod test_results;
mod work;

pub(crate) use sources::SourceColumns;
pub(crate) use test_plan::plan_document;
pub(crate) use test_plan::read_plan;
pub(crate) use test_results::read_results;
pub(crate) use test_results::results_document;
pub(crate) use work::environment_document;
pub(crate) use work::limits_document;
pub(crate) use work::read_environment;
pub(crate) use work::read_limits;
