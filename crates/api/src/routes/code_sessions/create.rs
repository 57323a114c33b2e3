//! `POST /code-sessions`

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use runbay_engine::NewSession;
use runbay_engine::Opened;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::SessionBody;
use crate::auth::Principal;
use crate::clients::Asking;
use crate::extract::Json;
use crate::face::Face;
use crate::fields::CodeFields;
use crate::fields::FileBody;
use crate::fields::Files;
use crate::idempotency::OptionalKey;
use crate::idempotency::REPLAYED;
use crate::problem::Problem;
use crate::state::Api;

/// What a session is opened with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"language": "python", "source_code": "print('hello')\n"}))]
pub(crate) struct CreateSession {
    /// The id or an alias of a language; without it python, else the first language offered.
    #[schema(pattern = "^[a-z][a-z0-9+_#.-]{0,31}$")]
    language: Option<String>,
    /// At most 64 KiB in UTF-8; without it the template of the language. Also accepted as `template_code`.
    #[serde(alias = "template_code")]
    #[schema(max_length = 65_536)]
    source_code: Option<String>,
    /// In place of `source_code`, a program of up to 64 files, at most 1 MiB together beside the first, which is run.
    #[schema(value_type = Option<Vec<FileBody>>, min_items = 1, max_items = 64)]
    files: Option<Files>,
}

/// Opens a session.
///
/// The body may be missing.
#[utoipa::path(
    post,
    path = "/code-sessions",
    tag = "sessions",
    params(
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "Any name for this request that is new on this route. Sending the same request again \
                within 24 hours then opens no other session and is answered with the first one, as it is by then, and \
                the header `Idempotent-Replayed: true`; another body under the same key is refused with 422."),
    ),
    request_body = CreateSession,
    responses(
        (status = 201, description = "The session is open.", body = SessionBody,
            headers(("Location" = String, description = "The path of the session"),
                ("Idempotent-Replayed" = String, description = "`true` if the key was accepted before"))),
        (status = 400, response = Problem),
        (status = 413, response = Problem),
        (status = 415, response = Problem),
        (status = 422, response = Problem),
    ),
)]
pub(crate) async fn create_session(
    State(api): State<Api>,
    principal: Principal,
    Asking(client): Asking,
    face: &'static Face,
    OptionalKey(key): OptionalKey,
    Json(new): Json<CreateSession>,
) -> Result<impl IntoResponse, Problem> {
    let (engine, tenant) = (api.engine(), &principal.tenant);
    let code = CodeFields { source_code: new.source_code, files: new.files };
    let new = NewSession { language: new.language, sources: code.sources()?, client };
    let opened = match &key {
        Some(key) => engine.create_session_once(tenant, new, key).await?,
        None => Opened::New(engine.create_session(tenant, new).await?),
    };
    let (session, active, replayed) = match opened {
        Opened::New(session) => (session, None, None),
        Opened::Repeated(session) => {
            let active = engine.active_executions(tenant, &[session.id]).await.map_err(Problem::of_session)?;
            let active = active.get(&session.id).copied();
            (session, active, Some([REPLAYED]))
        }
    };
    let location = [(LOCATION, format!("{}/code-sessions/{}", face.prefix, session.id))];
    Ok((StatusCode::CREATED, location, replayed, Json(SessionBody::new(session, active))))
}
