//! `POST /executions`

use axum::extract::State;
use axum::response::Response;
use runbay_engine::OneShotRequest;
use runbay_model::LimitRanges;
use serde::Deserialize;
use utoipa::ToSchema;

use super::accepted::AcceptedExecution;
use super::accepted::answer;
use super::body::ExecutionBody;
use super::query::ExecutionQuery;
use crate::auth::Principal;
use crate::extract::Json;
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
use crate::routes::schema;
use crate::state::Api;

/// A program to run once, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "language": "python",
    "files": [
        {"name": "main.py", "content": "from lib.double import double\nprint(double(int(input())))\n"},
        {"name": "lib/double.py", "content": "def double(number):\n    return 2 * number\n"},
    ],
    "limits": {"wall_time_ms": 2000},
    "tests": [
        {"name": "small", "stdin": "21\n", "expected_stdout": "42\n"},
        {"name": "any number", "stdin": "500\n", "expected_stdout": "[0-9]+", "match": "regex"},
    ],
}))]
pub(crate) struct CreateExecution {
    /// The id or an alias of a language; without it python, else the first language offered.
    language: Option<String>,
    /// At most 64 KiB in UTF-8; without it the template of the language. Also accepted as `code`.
    #[serde(alias = "code")]
    source_code: Option<String>,
    /// In place of `source_code`, a program of up to 64 files, at most 1 MiB together beside the first, which is run.
    #[schema(value_type = Option<Vec<FileBody>>, max_items = 64)]
    files: Option<Files>,
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

impl CreateExecution {
    /// Checks everything, limits against `ranges`.
    pub(super) async fn accept(self, ranges: &LimitRanges) -> Result<OneShotRequest, Problem> {
        let code = CodeFields { source_code: self.source_code, files: self.files };
        let work = WorkFields {
            stdin: self.stdin,
            args: self.args,
            env: self.env,
            limits: self.limits,
            tests: self.tests,
            stop_on_failure: self.stop_on_failure,
        };
        Ok(OneShotRequest {
            language: self.language,
            sources: code.sources()?,
            work: work.read(ranges).await?,
            priority: self.priority.unwrap_or_default().0,
            idempotency_key: None,
        })
    }
}

/// Runs a program once, without a session.
///
/// The body may be missing. Answers at once with 202, or, where `wait_ms` is given and the execution ends in that
/// time, with 200 and the finished execution.
#[utoipa::path(
    post,
    path = "/executions",
    tag = "executions",
    params(
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "Any name for this request that is new on this route. Sending the same request again \
                within 24 hours then has no effect and is answered with the same execution and the header \
                `Idempotent-Replayed: true`; another body under the same key is refused with 422."),
        ExecutionQuery,
    ),
    request_body = CreateExecution,
    responses(
        (status = 200, description = "It has ended within `wait_ms`.", body = ExecutionBody,
            headers(("Location" = String, description = "The path of the execution"),
                ("Idempotent-Replayed" = Option<String>, description = "`true` if the key was accepted before"))),
        (status = 202, description = "It is accepted.", body = AcceptedExecution,
            headers(("Location" = String, description = "The path of the execution"),
                ("Idempotent-Replayed" = Option<String>, description = "`true` if the key was accepted before"))),
        (status = 400, response = Problem),
        (status = 413, response = Problem),
        (status = 415, response = Problem),
        (status = 422, response = Problem),
        (status = 503, response = Problem),
    ),
)]
pub(crate) async fn create_execution(
    State(api): State<Api>,
    principal: Principal,
    face: &'static Face,
    Query(query): Query<ExecutionQuery>,
    OptionalKey(idempotency_key): OptionalKey,
    Json(new): Json<CreateExecution>,
) -> Result<Response, Problem> {
    let request = OneShotRequest { idempotency_key, ..new.accept(api.engine().limit_ranges()).await? };
    let accepted = api.engine().submit_one_shot(&principal.tenant, request).await?;
    Ok(answer(&api, &principal, face, &query, accepted).await)
}
