//! `GET /executions?ids=`

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::Output;
use runbay_model::Sources;
use runbay_model::TenantId;
use serde::Deserialize;
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::body::ExecutionBody;
use super::query::ExecutionQuery;
use super::query::Included;
use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Query;
use crate::face::Face;
use crate::problem::Code;
use crate::problem::Problem;
use crate::problem::ProblemDocument;
use crate::request_id::RequestId;
use crate::state::Api;

/// The most ids of one request.
const MAX_IDS: usize = 100;

/// The most bytes of code and output in one answer. A hundred executions may have hundreds of mebibytes.
const MAX_OUTPUT_BYTES: usize = 8 * 1024 * 1024;

/// The executions that a request asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct IdsQuery {
    ids: Ids,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Ids(Vec<ExecutionId>);

impl TryFrom<String> for Ids {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let count = text.split(',').count();
        if count > MAX_IDS {
            return Err(format!("has {count} entries, at most {MAX_IDS} are allowed"));
        }
        let ids = text.split(',').enumerate();
        let ids = ids.map(|(index, id)| id.parse().map_err(|error| format!("entry {index} is {error}")));
        ids.collect::<Result<_, _>>().map(Self)
    }
}

/// Executions in the order in which they were asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Executions {
    /// For each id the execution, or the problem document that asking for it alone would have given.
    #[schema(max_items = 100)]
    executions: Vec<ExecutionOrProblem>,
}

/// An execution, or why it is not there.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum ExecutionOrProblem {
    Execution(Box<ExecutionBody>),
    Problem(ProblemDocument),
}

/// Reads up to 100 executions.
///
/// The answer has an entry for each id, in the same order: the execution, or a problem document with the code
/// `execution_not_found`. Once the entries before hold 8 MiB of output, further ones are `answer_too_large` and
/// have to be asked for again. With `wait_ms` it answers as soon as all of them have ended.
#[utoipa::path(
    get,
    path = "/executions",
    tag = "executions",
    params(
        ("ids" = String, Query, pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(,[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}){0,99}$",
            description = "The ids of up to 100 executions, separated by commas"),
        ExecutionQuery,
    ),
    responses(
        (status = 200, description = "The executions and problems.", body = Executions),
        (status = 400, response = Problem),
    ),
)]
pub(crate) async fn read_executions(
    State(api): State<Api>,
    principal: Principal,
    face: &'static Face,
    Extension(request): Extension<RequestId>,
    Query(ids): Query<IdsQuery>,
    Query(query): Query<ExecutionQuery>,
) -> Result<Json<Executions>, Problem> {
    let Ids(ids) = ids.ids;
    wait_for_all(&api, &principal.tenant, &ids, query.wait()).await?;
    let mut room = MAX_OUTPUT_BYTES;
    let mut executions = Vec::with_capacity(ids.len());
    for (index, id) in ids.into_iter().enumerate() {
        executions.push(match read(&api, &principal.tenant, id, &query, &mut room).await {
            Ok((report, included)) => {
                let body = ExecutionBody::new(report, included, query.encoding, face);
                ExecutionOrProblem::Execution(Box::new(body))
            }
            Err(problem) if problem.is_about_the_service() => return Err(problem),
            Err(problem) => {
                let problem = problem.field(&format!("ids[{index}]"), format_args!("{id} is not in this answer"));
                ExecutionOrProblem::Problem(problem.into_document(&request))
            }
        });
    }
    Ok(Json(Executions { executions }))
}

/// Waits until every known execution has ended or the time is over.
async fn wait_for_all(api: &Api, tenant: &TenantId, ids: &[ExecutionId], wait: Duration) -> Result<(), Problem> {
    let deadline = Instant::now() + wait;
    for id in ids {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        match api.wait_for_end(tenant, *id, left).await {
            Ok(_) => {}
            Err(problem) if problem.code() == Code::ExecutionNotFound => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(())
}

async fn read(
    api: &Api,
    tenant: &TenantId,
    id: ExecutionId,
    query: &ExecutionQuery,
    room: &mut usize,
) -> Result<(ExecutionReport, Included), Problem> {
    if *room == 0 {
        return Err(Problem::new(Code::AnswerTooLarge).detail("Ask for this execution in a request of its own."));
    }
    let (report, included) = query.read_now(api, tenant, id).await?;
    let output = report.output.as_ref().map_or(0, output_bytes);
    let shown = if included.has_log { 2 * output } else { output };
    *room = room.saturating_sub(shown + included.sources.as_ref().map_or(0, Sources::bytes));
    Ok((report, included))
}

fn output_bytes(output: &Output) -> usize {
    let tests = output.tests.iter().flatten();
    let tests = tests.map(|test| test.name.as_ref().map_or(0, String::len) + test.stdout.len() + test.stderr.len());
    let tests = tests.sum::<usize>();
    output.stdout.len() + output.stderr.len() + output.compile_output.as_ref().map_or(0, Vec::len) + tests
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f";

    fn ids(text: &str) -> Result<usize, String> {
        Ids::try_from(text.to_owned()).map(|ids| ids.0.len())
    }

    #[test]
    fn up_to_a_hundred_ids_are_read() {
        assert_eq!(ids(ID), Ok(1));
        assert_eq!(ids(&[ID; 100].join(",")), Ok(100));
        assert_eq!(ids(&[ID; 101].join(",")), Err("has 101 entries, at most 100 are allowed".to_owned()));
    }

    #[test]
    fn what_is_no_id_is_named_by_its_place() {
        for (text, place) in [("", 0), (&format!("{ID},"), 1), (&format!("{ID},42,{ID}"), 1), (",", 0)] {
            assert!(ids(text).unwrap_err().starts_with(&format!("entry {place} is not a UUID")), "{text}");
        }
    }
}
