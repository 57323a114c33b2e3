//! `POST /code-sessions/{session_id}/run`

use axum::extract::State;
use axum::response::Response;
use runbay_engine::RunRequest;
use runbay_model::LimitRanges;
use runbay_model::SessionId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Path;
use crate::extract::Query;
use crate::face::Face;
use crate::fields::Arguments;
use crate::fields::ChosenLimits;
use crate::fields::ChosenPriority;
use crate::fields::CodeFields;
use crate::fields::FileBody;
use crate::fields::Files;
use crate::fields::TestCaseBody;
use crate::fields::TestCases;
use crate::fields::Variables;
use crate::fields::WorkFields;
use crate::idempotency::OptionalKey;
use crate::problem::Problem;
use crate::routes::executions::accepted::AcceptedExecution;
use crate::routes::executions::accepted::answer;
use crate::routes::executions::body::ExecutionBody;
use crate::routes::executions::query::ExecutionQuery;
use crate::routes::schema;
use crate::state::Api;

/// What to run, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "source_code": "print(input())\n",
    "stdin": "hello\n",
    "args": ["--fast"],
    "env": {"LANG": "C.UTF-8"},
    "limits": {"wall_time_ms": 2000},
}))]
pub(crate) struct RunSession {
    /// Code of the first file to save before the run, at most 64 KiB in UTF-8. Also accepted as `code`.
    #[serde(alias = "code")]
    source_code: Option<String>,
    /// In place of `source_code`, all files to save before the run, up to 64 with at most 1 MiB together beside the first.
    #[schema(value_type = Option<Vec<FileBody>>, max_items = 64)]
    files: Option<Files>,
    /// The id or an alias of a language to save before the run.
    language: Option<String>,
    /// What the program reads before it sees the end of its standard input, at most 1 MiB in UTF-8.
    stdin: Option<String>,
    /// Command line arguments, at most 64 with 16 KiB together.
    #[schema(value_type = Option<Vec<String>>, max_items = 64)]
    args: Option<Arguments>,
    /// Environment variables of the program, at most 64 with 16 KiB together; a compiler does not see them.
    #[schema(value_type = Option<BTreeMap<String, String>>, example = json!({"LANG": "C.UTF-8"}))]
    env: Option<Variables>,
    #[schema(schema_with = schema::chosen_limits)]
    limits: Option<ChosenLimits>,
    /// Inputs with the output that is expected, in place of one run with `stdin` and `args`; up to 100 with at most
    /// 2 MiB together.
    #[schema(value_type = Option<Vec<TestCaseBody>>, min_items = 1, max_items = 100)]
    tests: Option<TestCases>,
    #[schema(schema_with = schema::priority)]
    priority: Option<ChosenPriority>,
    /// Whether the tests after one that did not pass are skipped.
    #[schema(default = false)]
    stop_on_failure: Option<bool>,
}

/// Runs the newest code of a session.
///
/// The body may be missing. Answers at once with 202, or, where `wait_ms` is given and the execution ends in that
/// time, with 200 and the finished execution. A session has at most one execution that has not ended.
///
/// A run is refused with 404, 409 for a closed session, 409 for an active execution, 429 `cooldown` and
/// 429 `rate_limited`, in this order; runs that were refused do not count. `Retry-After` is exact.
#[utoipa::path(
    post,
    path = "/code-sessions/{session_id}/run",
    tag = "executions",
    params(
        ("session_id" = uuid::Uuid, Path, description = "The session's id"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "Any name for this request that is new in its session. Sending the same request again \
                within 24 hours then has no effect and is answered with the same execution and the header \
                `Idempotent-Replayed: true`; another body under the same key is refused with 422."),
        ExecutionQuery,
    ),
    request_body = RunSession,
    responses(
        (status = 200, description = "It has ended within `wait_ms`.", body = ExecutionBody,
            headers(("Location" = String, description = "The path of the execution"),
                ("Idempotent-Replayed" = Option<String>, description = "`true` if the key was accepted before"))),
        (status = 202, description = "It is accepted.", body = AcceptedExecution,
            headers(("Location" = String, description = "The path of the execution"),
                ("Idempotent-Replayed" = Option<String>, description = "`true` if the key was accepted before"))),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
        (status = 409, response = Problem),
        (status = 413, response = Problem),
        (status = 415, response = Problem),
        (status = 422, response = Problem),
        (status = 429, response = Problem),
        (status = 503, response = Problem),
    ),
)]
pub(crate) async fn run_session(
    State(api): State<Api>,
    principal: Principal,
    face: &'static Face,
    Path(id): Path<SessionId>,
    Query(query): Query<ExecutionQuery>,
    OptionalKey(idempotency_key): OptionalKey,
    Json(run): Json<RunSession>,
) -> Result<Response, Problem> {
    let request = RunRequest { idempotency_key, ..accept(run, api.engine().limit_ranges()).await? };
    let accepted = api.engine().submit(&principal.tenant, id, request).await?;
    Ok(answer(&api, &principal, face, &query, accepted).await)
}

async fn accept(run: RunSession, ranges: &LimitRanges) -> Result<RunRequest, Problem> {
    let code = CodeFields { source_code: run.source_code, files: run.files };
    let work = WorkFields {
        stdin: run.stdin,
        args: run.args,
        env: run.env,
        limits: run.limits,
        tests: run.tests,
        stop_on_failure: run.stop_on_failure,
    };
    Ok(RunRequest {
        language: run.language,
        code: code.change()?,
        work: work.read(ranges).await?,
        priority: run.priority.unwrap_or_default().0,
        idempotency_key: None,
    })
}
