//! The messages of a check.
//!
//! Processes of two versions may be at the two ends, so a field may be added but none may change.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use runbay_engine::CheckFault;
use runbay_model::CheckReport;
use runbay_model::Diagnostic;
use runbay_model::InvalidSources;
use runbay_model::LanguageId;
use runbay_model::Severity;
use runbay_model::Sources;
use runbay_model::TenantId;
use serde::Deserialize;
use serde::Serialize;

/// A program to be checked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    tenant: String,
    language: String,
    source_code: String,
    /// Missing where the language names the entry.
    entry_name: Option<String>,
    others: Vec<File>,
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    name: String,
    /// In base64.
    content: String,
}

/// The reply of a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The report of the check.
    Report { diagnostics: Vec<DiagnosticMessage>, message: Option<String> },
    /// The worker has too much to do.
    Busy,
    /// The worker could not check the code.
    Failed(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DiagnosticMessage {
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    severity: Severity,
    message: String,
}

/// Why a request cannot be read; no process of this program sends such a one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidRequest {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("a file of it is not in base64: {0}")]
    Content(base64::DecodeError),
    #[error("it has other files and no name of the entry")]
    Entry,
    #[error("its files make no program")]
    Sources(#[from] InvalidSources),
}

impl Request {
    pub(crate) fn new(tenant: &TenantId, language: &LanguageId, sources: &Sources) -> Self {
        let others = sources.others().iter();
        let others = others
            .map(|file| File { name: file.name.as_str().to_owned(), content: STANDARD.encode(&file.content) })
            .collect();
        Self {
            tenant: tenant.as_str().to_owned(),
            language: language.as_str().to_owned(),
            source_code: sources.source_code().to_owned(),
            entry_name: sources.entry_name().map(|name| name.as_str().to_owned()),
            others,
        }
    }

    /// Reads who asks for a check, the language, and the program.
    pub(crate) fn parse(text: &[u8]) -> Result<(TenantId, LanguageId, Sources), InvalidRequest> {
        let request: Self = serde_json::from_slice(text)?;
        let sources = request.sources()?;
        Ok((TenantId::new(request.tenant), LanguageId::new(request.language), sources))
    }

    /// Reads the program; its names are checked again, as they become paths.
    pub(crate) fn sources(&self) -> Result<Sources, InvalidRequest> {
        let Some(entry) = &self.entry_name else {
            if !self.others.is_empty() {
                return Err(InvalidRequest::Entry);
            }
            return Ok(Sources::single(self.source_code.clone())?);
        };
        let mut files = vec![(entry.clone(), self.source_code.clone().into_bytes())];
        for file in &self.others {
            files.push((file.name.clone(), STANDARD.decode(&file.content).map_err(InvalidRequest::Content)?));
        }
        Ok(Sources::of_files(files)?)
    }
}

impl From<Result<CheckReport, CheckFault>> for Reply {
    fn from(checked: Result<CheckReport, CheckFault>) -> Self {
        match checked {
            Ok(CheckReport { diagnostics, message }) => {
                let diagnostics = diagnostics.into_iter().map(DiagnosticMessage::from).collect();
                Self::Report { diagnostics, message }
            }
            Err(CheckFault::Busy) => Self::Busy,
            Err(CheckFault::Failed(fault)) => {
                let causes = std::iter::successors(Some(&*fault as &dyn std::error::Error), |fault| fault.source());
                Self::Failed(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
            }
        }
    }
}

impl From<Diagnostic> for DiagnosticMessage {
    fn from(Diagnostic { file, line, column, severity, message }: Diagnostic) -> Self {
        Self { file, line, column, severity, message }
    }
}

impl From<DiagnosticMessage> for Diagnostic {
    fn from(DiagnosticMessage { file, line, column, severity, message }: DiagnosticMessage) -> Self {
        Self { file, line, column, severity, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(sources: &Sources) -> Sources {
        let request = Request::new(&TenantId::default(), &LanguageId::new("python"), sources);
        let (tenant, language, sources) = Request::parse(&serde_json::to_vec(&request).unwrap()).unwrap();
        assert_eq!((tenant, language), (TenantId::default(), LanguageId::new("python")));
        sources
    }

    #[test]
    fn a_program_arrives_as_it_was_sent() {
        let files = [("main.py", b"import data".to_vec()), ("data.bin", vec![0, 255, 10])];
        let files = files.map(|(name, content)| (name.to_owned(), content));
        for sources in [Sources::single("print('ž')").unwrap(), Sources::of_files(files.to_vec()).unwrap()] {
            assert_eq!(passed_on(&sources), sources);
        }
    }

    #[test]
    fn files_without_an_entry_are_refused() {
        let text = r#"{"tenant":"t","language":"l","source_code":"","others":[{"name":"a","content":""}]}"#;
        let request: Request = serde_json::from_str(text).unwrap();
        assert!(matches!(request.sources(), Err(InvalidRequest::Entry)));
    }

    #[test]
    fn names_are_checked_again() {
        let text = r#"{"tenant":"t","language":"l","source_code":"","entry_name":"../a","others":[],"later":1}"#;
        let refused = Request::parse(text.as_bytes());
        assert!(matches!(refused, Err(InvalidRequest::Sources(InvalidSources::Name { .. }))));
    }
}
