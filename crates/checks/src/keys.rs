//! Names of keys.

use runbay_model::LanguageId;
use runbay_redis::Prefix;
use uuid::Uuid;

/// The names of all keys of checks; the braces keep them together where keys are spread over several servers.
#[derive(Debug, Clone)]
pub(crate) struct Keys(String);

impl Keys {
    pub(crate) fn new(prefix: &Prefix) -> Self {
        Self(format!("{prefix}:{{checks}}:"))
    }

    /// Returns the list of requests that wait for a worker with this language.
    pub(crate) fn waiting(&self, language: &LanguageId) -> String {
        format!("{}waiting:{language}", self.0)
    }

    /// Returns where a request is until it is taken.
    pub(crate) fn request(&self, id: Uuid) -> String {
        format!("{}request:{id}", self.0)
    }

    /// Returns the list on which the worker replies.
    pub(crate) fn reply(&self, id: Uuid) -> String {
        format!("{}reply:{id}", self.0)
    }

    /// Returns the list on which the client says that nobody waits any more.
    pub(crate) fn gone(&self, id: Uuid) -> String {
        format!("{}gone:{id}", self.0)
    }
}
