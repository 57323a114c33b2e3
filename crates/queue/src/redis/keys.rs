//! Names of keys.

use runbay_model::LanguageId;
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

    pub(super) fn languages(&self) -> String {
        self.key("languages")
    }

    pub(super) fn ready(&self, language: &LanguageId) -> String {
        self.of("ready", language)
    }

    pub(super) fn delayed(&self, language: &LanguageId) -> String {
        self.of("delayed", language)
    }

    pub(super) fn turns(&self, language: &LanguageId) -> String {
        self.of("turns", language)
    }

    pub(super) fn flows(&self, language: &LanguageId) -> String {
        self.of("flows", language)
    }

    pub(super) fn clock(&self, language: &LanguageId) -> String {
        self.of("clock", language)
    }

    fn of(&self, name: &str, language: &LanguageId) -> String {
        self.key(&format!("{name}:{language}"))
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}
