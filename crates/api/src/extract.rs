//! Extractors that refuse with problems which name the field.

mod body;
mod id;
mod query;
mod word;
mod words;

pub(crate) use body::Json;
pub(crate) use body::parse_member;
pub(crate) use id::Path;
pub(crate) use query::Query;
pub(crate) use query::pairs;
pub(crate) use word::word;
pub(crate) use words::unknown;
