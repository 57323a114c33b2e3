//! Code sessions.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::LanguageId;
use crate::SessionId;
use crate::Sources;
use crate::TenantId;
use crate::Timestamp;
use crate::UnknownWord;

/// Editable code in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session's id.
    pub id: SessionId,
    /// The owner of the session.
    pub tenant: TenantId,
    /// The language its code is run as.
    pub language: LanguageId,
    /// The newest saved code.
    pub sources: Sources,
    /// Whether the session can be saved and run.
    pub status: SessionStatus,
    /// The version. It starts at 1 and grows by one with each save that changes something.
    pub version: u64,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When code, language or status last changed.
    pub updated_at: Timestamp,
}

/// A session as lists show it: without its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// The session's id.
    pub id: SessionId,
    /// The language its code is run as.
    pub language: LanguageId,
    /// Whether the session can be saved and run.
    pub status: SessionStatus,
    /// The version. It starts at 1 and grows by one with each save that changes something.
    pub version: u64,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When code, language or status last changed.
    pub updated_at: Timestamp,
}

/// Whether a session can be saved and run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SessionStatus {
    /// It can be saved and run.
    Active,
    /// It was closed and can only be read.
    Inactive,
}

impl SessionStatus {
    /// Returns the word used in answers, rows and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
        }
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SessionStatus {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "ACTIVE" => Ok(Self::Active),
            "INACTIVE" => Ok(Self::Inactive),
            _ => Err(UnknownWord(text.to_owned())),
        }
    }
}
