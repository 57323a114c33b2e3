//! Diagnostics: what a checker reports on code without running it.

use serde::Deserialize;
use serde::Serialize;

/// The result of checking code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The diagnostics, in the order in which the checker found them.
    pub diagnostics: Vec<Diagnostic>,
    /// One plain sentence when there is no checker or it did not work as it should.
    pub message: Option<String>,
}

/// One finding of a checker.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// The file as the program names it. None when the checker names none.
    pub file: Option<String>,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// The column, counted from 1.
    pub column: Option<u32>,
    /// How bad it is.
    pub severity: Severity,
    /// The text of the checker.
    pub message: String,
}

/// The severity of a diagnostic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The code cannot be run, or would fail where it gets there.
    #[default]
    Error,
    /// The code can be run, but may not do what it should.
    Warning,
    /// A remark on another diagnostic.
    Note,
}
