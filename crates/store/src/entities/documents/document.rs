//! The text of documents, and their errors.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::DeserializeOwned;
use serde::de::Error;

use crate::StoreError;

/// Bytes from users and programs.
///
/// Base64 adds a third to their length. As JSON text, a control character would take six bytes, and the length of a
/// statement is limited.
#[derive(Debug)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl Base64 {
    pub(super) fn into_text(self, column: &str) -> Result<String, StoreError> {
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

pub(super) fn document(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("documents are structs, lists and maps of texts and numbers")
}

pub(super) fn read<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| damaged(column, error))
}

pub(super) fn damaged(column: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("{column}: {error}"))
}
