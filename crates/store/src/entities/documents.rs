//! Columns that hold a JSON document.
//!
//! Rows outlive releases, so the documents have types of their own: what other crates do with the types of the model
//! changes nothing here. A member may be added if it can be left out; none is ever renamed or given another meaning.
//! What is to be run is refused when it has members of a later version, as leaving them out would run something else.

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
