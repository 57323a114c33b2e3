//! Names of keys.

use crate::Lane;
use runbay_redis::Prefix;

/// The names of all keys of one queue; the braces keep them together where keys are spread over several servers.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &Prefix) -> Self {
        Self { prefix: format!("{prefix}:{{queue}}:") }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn lanes(&self) -> String {
        self.key("languages")
    }

    pub(super) fn ready(&self, lane: &Lane) -> String {
        self.of("ready", lane)
    }

    pub(super) fn delayed(&self, lane: &Lane) -> String {
        self.of("delayed", lane)
    }

    pub(super) fn turns(&self, lane: &Lane) -> String {
        self.of("turns", lane)
    }

    pub(super) fn flows(&self, lane: &Lane) -> String {
        self.of("flows", lane)
    }

    pub(super) fn clock(&self, lane: &Lane) -> String {
        self.of("clock", lane)
    }

    fn of(&self, name: &str, lane: &Lane) -> String {
        self.key(&format!("{name}:{lane}"))
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}
