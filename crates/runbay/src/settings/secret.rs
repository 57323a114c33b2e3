//! Texts with passwords in them.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use anyhow::Context;
use serde::Deserialize;

/// A text with a password in it; it is never shown, not even where it cannot be used.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// Returns whether it is empty, which means that it was left out.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads it as what it stands for; an error names the setting instead of quoting the text.
    pub(super) fn parse<T>(self, name: &str) -> anyhow::Result<T>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.0.parse().with_context(|| format!("{name} cannot be used"))
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
