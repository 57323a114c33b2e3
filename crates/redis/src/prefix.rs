//! What the names of keys begin with.

use std::fmt;
use std::str::FromStr;

/// What the names of all keys and channels of one installation begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

/// A text that cannot begin the names of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a prefix of keys has 1 to {} characters, each a letter, a digit or one of - _ . :", Prefix::MAX_BYTES)]
pub struct InvalidPrefix;

impl Prefix {
    const MAX_BYTES: usize = 64;

    /// Returns the prefix as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("runbay".to_owned())
    }
}

impl FromStr for Prefix {
    type Err = InvalidPrefix;

    /// Reads a prefix. Braces would choose where a cluster keeps the keys, and other signs have a meaning in access
    /// rules.
    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        let fits = (1..=Self::MAX_BYTES).contains(&text.len());
        if fits && text.bytes().all(allowed) { Ok(Self(text.to_owned())) } else { Err(InvalidPrefix) }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_prefixes() {
        assert!("runbay:staging-2".parse::<Prefix>().is_ok());
        for text in ["", "{a}", "a b", "a*", "ü", &"a".repeat(65)] {
            assert_eq!(text.parse::<Prefix>(), Err(InvalidPrefix), "{text:?}");
        }
    }
}
