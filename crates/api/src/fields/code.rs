//! `source_code` and `files`

use base64::DecodeError;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use runbay_model::CodeChange;
use runbay_model::FileName;
use runbay_model::InvalidSources;
use runbay_model::MAX_FILES;
use runbay_model::NameProblem;
use runbay_model::SourceCode;
use runbay_model::Sources;
use runbay_model::without_byte_order_mark;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use super::Counted;
use super::shortened::shortened;
use crate::extract::word;
use crate::problem::Code;
use crate::problem::Problem;

/// base64 with or without padding, on which encoders do not agree.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A file of a program.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = File, example = json!({"name": "lib/words.txt", "content": "apple\npear\n"}))]
pub(crate) struct FileBody {
    /// Where it is found below the program's directory: parts separated by `/`, at most 512 bytes.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = "^(?![-@])(?!(.*/)?[.]{1,2}(/|$))[^/\\\\\\u0000-\\u001f\\u007f-\\u009f]{1,255}(/[^/\\\\\\u0000-\\u001f\\u007f-\\u009f]{1,255}){0,8}$",
        example = "lib/words.txt"
    )]
    name: String,
    /// What is in it, as `encoding` says. A byte order mark at the start of text is taken off.
    content: String,
    /// How `content` is written; without it as text.
    #[serde(default, deserialize_with = "word")]
    encoding: Option<FileEncoding>,
}

/// How the content of a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FileEncoding {
    /// As it is.
    Utf8,
    /// In base64 (RFC 4648, section 4), with or without padding.
    Base64,
}

/// The files of a program as they were sent, up to the first one that is too many.
pub(crate) type Files = Counted<FileBody, { MAX_FILES + 1 }>;

/// The code of a request in one of two forms.
#[derive(Debug, Default)]
pub(crate) struct CodeFields {
    /// The code of the entry.
    pub(crate) source_code: Option<String>,
    /// All files, the entry first.
    pub(crate) files: Option<Files>,
}

impl CodeFields {
    /// Reads the change that a request makes to the code of a session; none when it makes none.
    pub(crate) fn change(self) -> Result<Option<CodeChange>, Problem> {
        match (self.source_code, self.files) {
            (None, None) => Ok(None),
            (Some(code), None) => {
                let code = SourceCode::new(code).map_err(|error| refuse(error, "source_code"))?;
                Ok(Some(CodeChange::SourceCode(code)))
            }
            (None, Some(files)) => sources(files).map(CodeChange::Files).map(Some),
            (Some(_), Some(_)) => Err(Problem::new(Code::InvalidBody)
                .detail("The code of a program is either its source_code or its files.")
                .field("files", "must not be there beside source_code; send one of the two")),
        }
    }

    /// Reads the code of a new program, if there is any.
    pub(crate) fn sources(self) -> Result<Option<Sources>, Problem> {
        Ok(self.change()?.map(|change| change.applied_to(Sources::default())))
    }
}

impl FileBody {
    fn read(self, index: usize) -> Result<(String, Vec<u8>), Problem> {
        let content = match self.encoding {
            None | Some(FileEncoding::Utf8) => without_byte_order_mark(self.content).into_bytes(),
            Some(FileEncoding::Base64) => BASE64.decode(self.content).map_err(|error| {
                let complaint =
                    format!("is not base64 (RFC 4648, section 4, without line breaks): {}", misread(&error));
                Problem::new(Code::InvalidBody).field(&format!("files[{index}].content"), complaint)
            })?,
        };
        Ok((self.name, content))
    }

    /// Shows the files of a program; none when its only file has the name that its language gives.
    pub(crate) fn of(sources: &Sources) -> Option<Vec<Self>> {
        let entry = Self::new(sources.entry_name()?, sources.source_code().as_bytes());
        let others = sources.others().iter().map(|file| Self::new(&file.name, &file.content));
        Some(std::iter::once(entry).chain(others).collect())
    }

    fn new(name: &FileName, content: &[u8]) -> Self {
        let (encoding, content) = match std::str::from_utf8(content) {
            Ok(text) => (FileEncoding::Utf8, text.to_owned()),
            Err(_) => (FileEncoding::Base64, BASE64.encode(content)),
        };
        Self { name: name.to_string(), content, encoding: Some(encoding) }
    }
}

fn sources(files: Files) -> Result<Sources, Problem> {
    if files.count > MAX_FILES {
        let name = files.entries.last().map(|file| shortened(&file.name)).unwrap_or_default();
        let error = InvalidSources::TooMany(files.count);
        let complaint = format!("{error}; the first one too many is {name:?}");
        return Err(Problem::new(Code::InvalidBody).field("files", complaint));
    }
    let files: Result<_, _> = files.entries.into_iter().enumerate().map(|(index, file)| file.read(index)).collect();
    Sources::of_files(files?).map_err(|error| refuse(error, "files[0].content"))
}

/// Says where a text is not base64.
fn misread(error: &DecodeError) -> String {
    match error {
        DecodeError::InvalidByte(offset, _) => format!("byte {} does not belong to it", offset + 1),
        DecodeError::InvalidLength(_) | DecodeError::InvalidLastSymbol(..) => "its end is missing".to_owned(),
        DecodeError::InvalidPadding => "its end has too many or too few of =".to_owned(),
    }
}

/// Says what is wrong with a program; `entry` is the field with the code of the entry.
fn refuse(error: InvalidSources, entry: &str) -> Problem {
    match error {
        InvalidSources::Empty | InvalidSources::TooMany(_) => Problem::new(Code::InvalidBody).field("files", error),
        InvalidSources::TooLarge(_) => Problem::new(Code::FilesTooLarge).field("files", error),
        InvalidSources::Name { index, name, problem } => {
            let problem = match problem {
                NameProblem::Invalid(_) => problem,
                NameProblem::Taken(other) => NameProblem::Taken(shortened(&other)),
                NameProblem::Between(other) => NameProblem::Between(shortened(&other)),
            };
            let complaint = InvalidSources::Name { index, name: shortened(&name), problem };
            Problem::new(Code::InvalidBody).field(&format!("files[{index}].name"), complaint)
        }
        InvalidSources::SourceTooLarge(_) => Problem::new(Code::SourceTooLarge).field(entry, error),
        InvalidSources::SourceNotText => Problem::new(Code::InvalidBody).field(entry, error),
    }
}

#[cfg(test)]
mod tests;
