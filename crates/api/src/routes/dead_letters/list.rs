//! `GET /dead-letters`

use axum::extract::State;
use runbay_engine::DeadLetter;
use runbay_model::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Principal;
use crate::extract::Json;
use crate::extract::Query;
use crate::face::Face;
use crate::page::Cursor;
use crate::page::PageQuery;
use crate::problem::Problem;
use crate::routes::executions::body::ExecutionBody;
use crate::state::Api;

/// One page of dead letters, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterPage)]
pub(crate) struct DeadLetterPageBody {
    /// The dead letters.
    dead_letters: Vec<DeadLetterBody>,
    /// Leads to the next page; null on the last one.
    #[schema(value_type = Option<String>, required = true)]
    next_cursor: Option<Cursor>,
}

/// An execution that failed although its program is not to blame.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
struct DeadLetterBody {
    /// The execution, without `stdout`, `stderr`, `compile_output` and what came of tests.
    execution: ExecutionBody,
    /// When it was given up.
    #[schema(value_type = String, format = DateTime)]
    dead_lettered_at: Timestamp,
}

impl DeadLetterBody {
    fn new(letter: DeadLetter, face: &'static Face) -> Self {
        Self {
            execution: ExecutionBody::without_output(letter.execution, face),
            dead_lettered_at: letter.dead_lettered_at,
        }
    }
}

/// Lists the executions that failed although their programs are not to blame, newest first.
///
/// Their reason is `worker_lost` or `internal_error`, and all their attempts are used up. They stay here until they
/// are requeued or deleted.
#[utoipa::path(
    get,
    path = "/dead-letters",
    tag = "operations",
    params(PageQuery),
    responses(
        (status = 200, description = "A page of dead letters.", body = DeadLetterPageBody),
        (status = 400, response = Problem),
        (status = 403, response = Problem),
        (status = 503, response = Problem),
    ),
)]
pub(crate) async fn list_dead_letters(
    State(api): State<Api>,
    principal: Principal,
    face: &'static Face,
    Query(query): Query<PageQuery>,
) -> Result<Json<DeadLetterPageBody>, Problem> {
    let page = api.engine().dead_letters(&principal.tenant, query.request()).await;
    let page = page.map_err(Problem::of_dead_letter)?;
    Ok(Json(DeadLetterPageBody {
        dead_letters: page.entries.into_iter().map(|entry| DeadLetterBody::new(entry, face)).collect(),
        next_cursor: page.last.map(Cursor),
    }))
}
