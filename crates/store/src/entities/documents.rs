//! Columns that hold a JSON document.
//!
//! Rows outlive releases, so the documents have types of their own: what other crates do with the types of the model
//! changes nothing here. A member may be added if it can be left out; none is ever renamed or given another meaning.
//! What is to be run is refused when it has members of a later version, as leaving them out would run something else.

mod sources;
mod test_plan;
mod test_results;
mod work;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::DeserializeOwned;
use serde::de::Error;

pub(crate) use sources::SourceColumns;
pub(crate) use test_plan::plan_document;
pub(crate) use test_plan::read_plan;
pub(crate) use test_results::read_results;
pub(crate) use test_results::results_document;
pub(crate) use work::environment_document;
pub(crate) use work::limits_document;
pub(crate) use work::read_environment;
pub(crate) use work::read_limits;

use crate::StoreError;

/// Whatever users send and programs write: as base64 it grows by a third, while a control character in JSON is six
/// bytes long, and a statement has a largest size.
#[derive(Debug)]
struct Base64(Vec<u8>);

impl Base64 {
    fn into_text(self, column: &str) -> Result<String, StoreError> {
        String::from_utf8(self.0).map_err(|error| damaged(column, error))
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(D::Error::custom)
    }
}

fn document(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("documents are structs, lists and maps of texts and numbers")
}

fn read<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| damaged(column, error))
}

fn damaged(column: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("{column}: {error}"))
}
