//! `POST /code-sessions/{session_id}/check`

use std::time::Duration;

use axum::extract::State;
use runbay_engine::CheckRequest;
use runbay_model::CheckReport;
use runbay_model::Diagnostic;
use runbay_model::SessionId;
use runbay_model::Severity;
use serde::Deserialize;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admission;
use crate::auth::Principal;
use crate::clients::Asking;
use crate::extract::Json;
use crate::extract::Path;
use crate::fields::CodeFields;
use crate::fields::FileBody;
use crate::fields::Files;
use crate::problem::Problem;
use crate::schema;
use crate::state::Api;

/// The time that a check may take: it may wait for others, and a checker may be a compiler.
const TIME: Duration = Duration::from_secs(30);

/// What to check in place of what is saved; what is left out is as saved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"source_code": "print(answer)\n"}))]
pub(crate) struct CheckSession {
    /// The id or an alias of a language.
    #[schema(pattern = "^[a-z][a-z0-9+_#.-]{0,31}$")]
    language: Option<String>,
    /// Code of the first file, at most 64 KiB in UTF-8. Also accepted as `code`.
    #[serde(alias = "code")]
    #[schema(max_length = 65_536)]
    source_code: Option<String>,
    /// In place of `source_code`, all files, up to 64 with at most 1 MiB together beside the first.
    #[schema(value_type = Option<Vec<FileBody>>, min_items = 1, max_items = 64)]
    files: Option<Files>,
}

/// What the language's checker says of the code.
#[derive(Serialize, ToSchema)]
#[schema(as = CheckReport, example = json!({
    "diagnostics": [{
        "file": "main.py",
        "line": 1,
        "column": 7,
        "severity": "error",
        "message": "undefined name 'answer'",
    }],
    "message": null,
}))]
pub(crate) struct CheckReportBody {
    /// In the order in which the checker found them; empty when it found nothing.
    diagnostics: Vec<DiagnosticBody>,
    /// One plain sentence, when the checker did not work as it should or the language has none.
    #[schema(required = true)]
    message: Option<String>,
}

/// One thing that the checker found.
#[derive(Serialize, ToSchema)]
#[schema(as = Diagnostic)]
struct DiagnosticBody {
    /// The name of the file; null when the checker does not say.
    #[schema(required = true)]
    file: Option<String>,
    /// The line, counted from 1; null when the checker does not say.
    #[schema(required = true, minimum = 1)]
    line: Option<u32>,
    /// The column, counted from 1; null when the checker does not say.
    #[schema(required = true, minimum = 1)]
    column: Option<u32>,
    /// How bad it is.
    #[schema(value_type = schema::Severity)]
    severity: Severity,
    /// What the checker says.
    message: String,
}

impl From<CheckReport> for CheckReportBody {
    fn from(report: CheckReport) -> Self {
        Self {
            diagnostics: report.diagnostics.into_iter().map(DiagnosticBody::from).collect(),
            message: report.message,
        }
    }
}

impl From<Diagnostic> for DiagnosticBody {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            file: diagnostic.file,
            line: diagnostic.line,
            column: diagnostic.column,
            severity: diagnostic.severity,
            message: diagnostic.message,
        }
    }
}

/// Checks the code of a session without running it.
///
/// The body may be missing. Nothing is saved: code in the body is checked in place of the code of the session.
/// `GET /languages` tells which languages have a checker.
#[utoipa::path(
    post,
    path = "/code-sessions/{session_id}/check",
    tag = "sessions",
    params(("session_id" = uuid::Uuid, Path, description = "The session's id")),
    request_body = CheckSession,
    responses(
        (status = 200, description = "It was checked.", body = CheckReportBody),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 409, response = Problem),
        (status = 413, response = Problem),
        (status = 415, response = Problem),
        (status = 503, response = Problem),
    ),
)]
pub(crate) async fn check_session(
    State(api): State<Api>,
    principal: Principal,
    Asking(client): Asking,
    Path(id): Path<SessionId>,
    Json(check): Json<CheckSession>,
) -> Result<Json<CheckReportBody>, Problem> {
    admission::may_take(TIME);
    let code = CodeFields { source_code: check.source_code, files: check.files };
    let request = CheckRequest { language: check.language, code: code.change()?, client };
    let report = api.engine().check(&principal.tenant, id, request).await?;
    Ok(Json(report.into()))
}
