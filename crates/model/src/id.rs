//! Typed ids.
//!
//! Without API keys an id is a capability: whoever knows it may read and change what it names. Every id is therefore
//! made from fresh randomness of the operating system, never from a counter.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;
use uuid::Uuid;

/// A text that is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID like 0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b")]
pub struct InvalidId;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $random:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id from fresh randomness.
            #[must_use]
            pub fn random() -> Self {
                Self($random)
            }

            /// Wraps an id that was stored.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the bare UUID, for storage.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Parses the hyphenated form, the only one in answers.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if text.len() != uuid::fmt::Hyphenated::LENGTH {
                    return Err(InvalidId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    };
}

uuid_id! {
    /// Names a code session (UUID version 4, RFC 9562).
    SessionId, Uuid::new_v4()
}

uuid_id! {
    /// Names an execution (UUID version 7, RFC 9562: sorts by creation time, 74 random bits).
    ExecutionId, Uuid::new_v7(uuid::Timestamp::now(uuid::NoContext))
}

uuid_id! {
    /// Names one life of a worker process. A restarted worker has a new id.
    WorkerId, Uuid::new_v4()
}

/// Names the owner of sessions and executions. At present that is always `default`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// Wraps a tenant's name that was stored or configured.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Returns the name as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = ExecutionId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        for text in
            ["", "42", "not-a-uuid", "0b6d3f1e8c1a4f5e9d572f4a6f0f8f3b", "{0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b}"]
        {
            assert_eq!(text.parse::<SessionId>(), Err(InvalidId), "{text:?}");
        }
    }

    #[test]
    fn execution_ids_sort_by_creation_time() {
        let early = ExecutionId::random();
        let start = crate::Timestamp::now();
        while crate::Timestamp::now().since(start) < std::time::Duration::from_millis(2) {}
        assert!(early < ExecutionId::random());
    }
}
