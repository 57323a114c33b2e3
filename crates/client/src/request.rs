//! Bodies of requests. What has its default is left out.

use std::collections::BTreeMap;

use runbay_model::Comparison;
use runbay_model::LimitOverrides;
use runbay_model::Priority;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeStruct;

use crate::bytes::encode;

/// A session to open. Without code it begins with the template of its language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NewSession {
    /// The id or an alias of a language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The code.
    #[serde(flatten)]
    pub code: Option<Code>,
}

/// What to save. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Save {
    /// The id or an alias of a language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The code.
    #[serde(flatten)]
    pub code: Option<Code>,
    /// The version that the save is based on; another one on the server is a conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// A program to run, and how. In a session, what is left out is as it is saved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The id or an alias of a language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The code.
    #[serde(flatten)]
    pub code: Option<Code>,
    /// The standard input.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stdin: String,
    /// Command line arguments after the program's name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Variables for the program's environment.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Limits that differ from the language's.
    #[serde(skip_serializing_if = "has_none")]
    pub limits: LimitOverrides,
    /// Test cases, in place of one run with `stdin` and `args`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<TestCase>,
    /// Whether the test cases after one that did not pass are skipped.
    #[serde(skip_serializing_if = "is_off")]
    pub stop_on_failure: bool,
    /// How urgent it is.
    #[serde(skip_serializing_if = "is_normal", serialize_with = "word")]
    pub priority: Priority,
    /// Whether standard input stays open for [`Client::interact`](crate::Client::interact).
    #[serde(skip_serializing_if = "is_off")]
    pub interactive: bool,
    /// Whether the language's prompt is run in place of a program.
    #[serde(skip_serializing_if = "is_off")]
    pub repl: bool,
    /// Whether the program runs in a terminal.
    #[serde(skip_serializing_if = "is_off")]
    pub tty: bool,
}

/// The code of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Code {
    /// The text of a program's first file, which its language names.
    #[serde(rename = "source_code")]
    Source(String),
    /// All files. The first one is run.
    #[serde(rename = "files")]
    Files(Vec<File>),
}

/// A file of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path below the program's directory.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// One input of a program with its expected output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TestCase {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The standard input.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stdin: String,
    /// Command line arguments after the program's name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The expected standard output.
    pub expected_stdout: String,
    /// How it is compared.
    #[serde(rename = "match")]
    pub comparison: Comparison,
}

impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut file = serializer.serialize_struct("File", 3)?;
        file.serialize_field("name", &self.name)?;
        // The server takes a byte order mark off text, and keeps every byte of what is in base64.
        if let Some(text) = std::str::from_utf8(&self.content).ok().filter(|text| !text.starts_with('\u{feff}')) {
            file.serialize_field("content", text)?;
            file.skip_field("encoding")?;
        } else {
            file.serialize_field("content", &encode(&self.content))?;
            file.serialize_field("encoding", "base64")?;
        }
        file.end()
    }
}

fn has_none(limits: &LimitOverrides) -> bool {
    limits.given().next().is_none()
}

fn is_normal(priority: &Priority) -> bool {
    *priority == Priority::Normal
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_off(flag: &bool) -> bool {
    !*flag
}

fn word<S: Serializer>(priority: &Priority, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(priority.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_sent() {
        assert_eq!(serde_json::to_value(Run::default()).unwrap(), json!({}));
        let run = Run {
            language: Some("python".to_owned()),
            code: Some(Code::Source("print(1)".to_owned())),
            limits: LimitOverrides { processes: Some(3), ..LimitOverrides::default() },
            priority: Priority::Low,
            interactive: true,
            ..Run::default()
        };
        let sent = json!({
            "language": "python",
            "source_code": "print(1)",
            "limits": {"processes": 3},
            "priority": "low",
            "interactive": true,
        });
        assert_eq!(serde_json::to_value(run).unwrap(), sent);
    }

    #[test]
    fn files_keep_every_byte() {
        let contents = [b"print(1)".to_vec(), b"\xff\0".to_vec(), "\u{feff}a".into()];
        let files = contents.into_iter().map(|content| File { name: "a".to_owned(), content }).collect();
        let save = Save { code: Some(Code::Files(files)), version: Some(2), ..Save::default() };
        let sent = json!({
            "files": [
                {"name": "a", "content": "print(1)"},
                {"name": "a", "content": "/wA=", "encoding": "base64"},
                {"name": "a", "content": "77u/YQ==", "encoding": "base64"},
            ],
            "version": 2,
        });
        assert_eq!(serde_json::to_value(save).unwrap(), sent);
    }
}
