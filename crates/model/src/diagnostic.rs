//! What a checker says of code without running it.

use serde::Deserialize;
use serde::Serialize;

/// What came of checking code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// In the order in which the checker found them.
    pub diagnostics: Vec<Diagnostic>,
    /// One plain sentence, when the checker did not work as it should or there is none.
    pub message: Option<String>,
}

/// One thing that a checker found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the program names it; none when the checker does not say.
    pub file: Option<String>,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// The column, counted from 1.
    pub column: Option<u32>,
    /// How bad it is.
    pub severity: Severity,
    /// What the checker says.
    pub message: String,
}

/// How bad it is what a checker found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The code cannot work.
    #[default]
    Error,
    /// The code may not do what it should.
    Warning,
    /// A remark on another diagnostic.
    Note,
}
