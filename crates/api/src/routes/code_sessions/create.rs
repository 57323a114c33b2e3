//! `POST /code-sessions`

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use runbay_engine::NewSession;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::SessionBody;
use crate::auth::Principal;
use crate::extract::Json;
use crate::face::Face;
use crate::fields::CodeFields;
use crate::fields::FileBody;
use crate::fields::Files;
use crate::problem::Problem;
use crate::state::Api;

/// What a session is opened with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"language": "python", "source_code": "print('hello')\n"}))]
pub(crate) struct CreateSession {
    /// The id or an alias of a language; without it python, else the first language offered.
    language: Option<String>,
    /// At most 64 KiB in UTF-8; without it the template of the language. Also accepted as `template_code`.
    #[serde(alias = "template_code")]
    source_code: Option<String>,
    /// In place of `source_code`, a program of up to 64 files, at most 1 MiB together beside the first, which is run.
    #[schema(value_type = Option<Vec<FileBody>>, max_items = 64)]
    files: Option<Files>,
}

/// Opens a session.
///
/// The body may be missing.
#[utoipa::path(
    post,
    path = "/code-sessions",
    tag = "sessions",
    request_body = CreateSession,
    responses(
        (status = 201, description = "The session is open.", body = SessionBody,
            headers(("Location" = String, description = "The path of the session"))),
        (status = 400, response = Problem),
        (status = 413, response = Problem),
        (status = 415, response = Problem),
    ),
)]
pub(crate) async fn create_session(
    State(api): State<Api>,
    principal: Principal,
    face: &'static Face,
    Json(new): Json<CreateSession>,
) -> Result<impl IntoResponse, Problem> {
    let code = CodeFields { source_code: new.source_code, files: new.files };
    let new = NewSession { language: new.language, sources: code.sources()? };
    let session = api.engine().create_session(&principal.tenant, new).await?;
    let location = format!("{}/code-sessions/{}", face.prefix, session.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(SessionBody::new(session, None))))
}
