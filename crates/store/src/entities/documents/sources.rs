//! The columns that hold a program.

use runbay_model::InvalidSources;
use runbay_model::Sources;
use serde::Deserialize;
use serde::Serialize;

use super::document::Base64;
use super::document::damaged;
use super::document::document;
use super::document::read;
use crate::StoreError;

/// The columns that hold a program. The last two are null for a single file that its language names.
#[derive(Debug, Clone)]
pub(crate) struct SourceColumns {
    pub(crate) source_code: String,
    pub(crate) entry_name: Option<String>,
    pub(crate) other_files: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDocument {
    name: String,
    content: Base64,
}

impl From<&Sources> for SourceColumns {
    fn from(sources: &Sources) -> Self {
        let others = sources.others();
        let others: Vec<_> = others
            .iter()
            .map(|file| FileDocument { name: file.name.as_str().to_owned(), content: Base64(file.content.clone()) })
            .collect();
        Self {
            source_code: sources.source_code().to_owned(),
            entry_name: sources.entry_name().map(|name| name.as_str().to_owned()),
            other_files: (!others.is_empty()).then(|| document(&others)),
        }
    }
}

impl SourceColumns {
    /// Reads the program. Names of files are checked again, because they become paths.
    pub(crate) fn into_sources(self, table: &str) -> Result<Sources, StoreError> {
        let column = |name: &str| format!("{table}.{name}");
        let others: Vec<FileDocument> = match &self.other_files {
            Some(text) => read(&column("other_files"), text)?,
            None => Vec::new(),
        };
        let Some(entry_name) = self.entry_name else {
            return match others.as_slice() {
                [] => Sources::single(self.source_code).map_err(|error| damaged(&column("source_code"), error)),
                _ => Err(damaged(&column("entry_name"), "is null beside other files")),
            };
        };
        let entry = (entry_name, self.source_code.into_bytes());
        let others = others.into_iter().map(|file| (file.name, file.content.0));
        Sources::of_files(std::iter::once(entry).chain(others).collect())
            .map_err(|error| damaged(&column(blamed(&error)), error))
    }
}

fn blamed(error: &InvalidSources) -> &'static str {
    match error {
        InvalidSources::Name { index: 0, .. } => "entry_name",
        InvalidSources::SourceTooLarge(_) | InvalidSources::SourceNotText => "source_code",
        InvalidSources::Name { .. }
        | InvalidSources::Empty
        | InvalidSources::TooMany(_)
        | InvalidSources::TooLarge(_) => "other_files",
    }
}
