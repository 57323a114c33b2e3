//! Members that are one of a few words.

use serde::Deserialize;
use serde::Deserializer;
use serde::de::IntoDeserializer;
use serde::de::value::StringDeserializer;

/// Reads a word or null.
///
/// serde's own way calls the whole body no JSON where the member has another type.
pub(crate) fn word<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let Some(word) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let word: StringDeserializer<D::Error> = word.into_deserializer();
    T::deserialize(word).map(Some)
}
