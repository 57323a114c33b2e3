//! `POST /executions/batch`

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use runbay_engine::ExecutionHead;
use runbay_engine::RunRequest;
use runbay_model::LimitRanges;
use runbay_model::TenantId;
use runbay_shares::Client;
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;
use tokio::time::timeout_at;
use utoipa::ToSchema;

use super::accepted::AcceptedExecution;
use crate::admission;
use crate::auth::Principal;
use crate::clients::Asking;
use crate::extract::Json;
use crate::extract::parse_member;
use crate::fields::Counted;
use crate::fields::CreateExecution;
use crate::problem::Code;
use crate::problem::Problem;
use crate::problem::ProblemDocument;
use crate::request_id::RequestId;
use crate::state::Api;

const MAX_EXECUTIONS: usize = 100;

/// How long a batch may take. It stands for up to a hundred requests.
const TIME: Duration = Duration::from_secs(30);

/// How long programs are submitted. The rest of the time is for an answer that says which were accepted.
const PATIENCE: Duration = Duration::from_secs(15);

/// Programs to run once each.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"executions": [
    {"language": "python", "source_code": "print(1)\n"},
    {"language": "javascript", "source_code": "console.log(2)\n"},
]}))]
pub(crate) struct CreateExecutions {
    /// Each as for `POST /executions`.
    // Read one by one, so that one which does not fit takes none of the others along.
    #[schema(value_type = Vec<CreateExecution>, min_items = 1, max_items = 100)]
    executions: Counted<Box<RawValue>, MAX_EXECUTIONS>,
}

/// What became of each program, in the order of the request.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedExecutions {
    /// For each program the execution, or the problem document that sending it alone would have given.
    #[schema(max_items = 100)]
    executions: Vec<AcceptedOrProblem>,
}

/// An accepted execution, or why there is none.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum AcceptedOrProblem {
    Accepted(AcceptedExecution),
    Problem(ProblemDocument),
}

/// Runs up to 100 programs once each, without sessions.
///
/// The answer has an entry for each program, in the same order: the execution, or a problem document whose details
/// begin with `executions[i]`. A program that is refused stops no other. Once the service can take no more, such as
/// with a full queue, the programs that are left get the same problem and can be sent again. A batch takes no
/// `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/executions/batch",
    tag = "executions",
    request_body = CreateExecutions,
    responses(
        (status = 202, description = "What was accepted, and what was not.", body = CreatedExecutions),
        (status = 400, response = Problem),
        (status = 413, response = Problem),
        (status = 415, response = Problem),
    ),
)]
pub(crate) async fn create_executions(
    State(api): State<Api>,
    principal: Principal,
    Asking(client): Asking,
    Extension(request): Extension<RequestId>,
    Json(batch): Json<CreateExecutions>,
) -> Result<(StatusCode, Json<CreatedExecutions>), Problem> {
    admission::may_take(TIME);
    let mut intake =
        Intake { api: &api, tenant: &principal.tenant, client, deadline: Instant::now() + PATIENCE, exhausted: None };
    let mut executions = Vec::new();
    for (index, program) in programs(batch)?.into_iter().enumerate() {
        executions.push(match intake.submit(&program).await {
            Ok(head) => AcceptedOrProblem::Accepted(AcceptedExecution::new(&head)),
            Err(problem) => {
                let problem = problem.within(&format!("executions[{index}]"));
                AcceptedOrProblem::Problem(problem.into_document(&request))
            }
        });
    }
    Ok((StatusCode::ACCEPTED, Json(CreatedExecutions { executions })))
}

/// Submits programs one after the other.
struct Intake<'a> {
    api: &'a Api,
    tenant: &'a TenantId,
    client: Option<Client>,
    deadline: Instant,
    /// Why the service takes no more programs. None while it takes them.
    exhausted: Option<Problem>,
}

impl Intake<'_> {
    async fn submit(&mut self, program: &RawValue) -> Result<ExecutionHead, Problem> {
        if Instant::now() >= self.deadline {
            return Err(self.too_slow());
        }
        let Ok(read) = timeout_at(self.deadline, accept(program, self.api.engine().limit_ranges())).await else {
            return Err(self.too_slow());
        };
        let request = RunRequest { client: self.client, ..read? };
        if let Some(problem) = &self.exhausted {
            return Err(problem.clone());
        }
        match self.api.engine().submit_one_shot(self.tenant, request).await.map_err(Problem::from) {
            Ok(accepted) => Ok(accepted.into_head()),
            Err(problem) if problem.is_about_all() => Err(self.exhaust(problem)),
            Err(problem) => Err(problem),
        }
    }

    fn too_slow(&mut self) -> Problem {
        self.exhaust(Problem::new(Code::Timeout).cause("a batch was accepted too slowly"))
    }

    fn exhaust(&mut self, problem: Problem) -> Problem {
        let problem = self.exhausted.get_or_insert_with(|| {
            problem.log();
            problem
        });
        problem.clone()
    }
}

fn programs(batch: CreateExecutions) -> Result<Vec<Box<RawValue>>, Problem> {
    let Counted { entries, count } = batch.executions;
    if count == 0 {
        return Err(Problem::new(Code::InvalidBody).field("executions", "must have at least one entry"));
    }
    if count > MAX_EXECUTIONS {
        let complaint = format!("has {count} entries, at most {MAX_EXECUTIONS} are allowed");
        return Err(Problem::new(Code::BatchTooLarge).field("executions", complaint));
    }
    Ok(entries)
}

async fn accept(program: &RawValue, ranges: &LimitRanges) -> Result<RunRequest, Problem> {
    parse_member::<CreateExecution>(program.get())?.read(ranges).await
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::FromRequest;
    use axum::http::Request;
    use futures_util::future::join_all;

    use super::*;

    async fn read(body: &str) -> Result<Vec<Box<RawValue>>, (Code, String)> {
        let request = Request::post("/").header("content-type", "application/json");
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let refused = |problem: Problem| (problem.code(), problem.details()[0].clone());
        let Json(batch) = Json::from_request(request, &()).await.map_err(refused)?;
        programs(batch).map_err(refused)
    }

    #[tokio::test]
    async fn programs_are_read_one_by_one() {
        let programs = read(r#"{"executions":[{"code":"1"},{"code":5},[1,{}],{"code":"\ud800"},{}]}"#).await.unwrap();
        let ranges = LimitRanges::default();
        let accepted = join_all(programs.iter().map(|program| accept(program, &ranges))).await;
        let codes: Vec<_> = accepted.iter().map(|result| result.as_ref().err().map(Problem::code)).collect();
        assert_eq!(
            codes,
            [None, Some(Code::InvalidBody), Some(Code::InvalidBody), Some(Code::InvalidJson), Some(Code::InvalidBody)]
        );
        let detail = |index: usize| accepted[index].as_ref().unwrap_err().clone().within("executions[i]");
        assert!(detail(1).details()[0].starts_with("executions[i].code: must be a string, not 5"), "{:?}", detail(1));
        assert_eq!(detail(2).details(), ["executions[i]: must be a JSON object"]);
    }

    #[tokio::test]
    async fn a_batch_has_one_to_a_hundred_programs() {
        let of = |count| format!(r#"{{"executions":[{}]}}"#, vec!["{}"; count].join(","));
        assert_eq!(read(&of(100)).await.unwrap().len(), 100);
        let (code, complaint) = read(&of(101)).await.unwrap_err();
        assert_eq!(code, Code::BatchTooLarge);
        assert_eq!(complaint, "executions: has 101 entries, at most 100 are allowed");
        assert_eq!(read(&of(0)).await.unwrap_err().1, "executions: must have at least one entry");
        for (body, start) in [
            ("", "executions: is missing"),
            (r#"{"executions":null}"#, "executions: must be a list, not null"),
            (r#"{"executions":{}}"#, "executions: must be a list, not an object"),
            (r#"{"executions":[],"wait_ms":1}"#, "wait_ms: is no field here; there are executions"),
        ] {
            let (code, complaint) = read(body).await.unwrap_err();
            assert_eq!(code, Code::InvalidBody, "{body}");
            assert!(complaint.starts_with(start), "{body} gave {complaint}");
        }
        assert_eq!(read(r#"{"executions":[{"a":]}"#).await.unwrap_err().0, Code::InvalidJson);
    }
}
