//! `GET /executions/{execution_id}/events`

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::response::sse::KeepAlive;
use futures_util::Stream;
use futures_util::stream::unfold;
use runbay_engine::Told;
use runbay_engine::ToldEvent;
use runbay_engine::Watcher;
use runbay_model::ExecutionId;
use tokio::task::yield_now;

use super::event::EventBody;
use super::event::EventData;
use super::event::Form;
use super::query::EventsQuery;
use crate::admission;
use crate::admission::StreamPlace;
use crate::auth::Principal;
use crate::extract::Path;
use crate::extract::Query;
use crate::face::Face;
use crate::problem::Code;
use crate::problem::Problem;
use crate::state::Api;

/// The time between two comments that keep a connection open while no event comes.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The header with which a browser comes back.
const LAST_EVENT_ID: &str = "last-event-id";

/// The header `Last-Event-ID` of a client that comes back.
pub(crate) struct LastEventId(Option<u64>);

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match parts.headers.get(LAST_EVENT_ID) {
            // A browser sends an empty one before the first event.
            Some(value) if !value.is_empty() => {
                let id = value.to_str().ok().and_then(|text| text.parse().ok());
                let wrong = || Problem::new(Code::InvalidHeader).field(LAST_EVENT_ID, "must be the id of an event");
                id.ok_or_else(wrong).map(|id| Self(Some(id)))
            }
            _ => Ok(Self(None)),
        }
    }
}

/// Watches an execution: its events as they happen, from its beginning to its result.
///
/// The answer is a stream of server-sent events (WHATWG HTML, section 9.2). Each has a type as `event`, a number as `id`,
/// and a line of JSON as `data`. Numbers grow, with gaps. A client that lost its connection sends the last number that it
/// has and gets what follows, each event once. The types are `status`, `stdout`, `stderr`, `test`, `reset`, `result` and
/// `too_slow`. The stream ends after `result`, also when the execution ended long ago.
#[utoipa::path(
    get,
    path = "/executions/{execution_id}/events",
    tag = "executions",
    params(
        ("execution_id" = uuid::Uuid, Path, description = "The execution's id"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The number of the last event that the client has"),
        EventsQuery,
    ),
    responses(
        (
            status = 200,
            description = "The events. The schema is that of the data of one.",
            body = EventData,
            content_type = "text/event-stream",
        ),
        (status = 400, response = Problem),
        (status = 404, response = Problem),
    ),
)]
pub(crate) async fn watch_execution(
    State(api): State<Api>,
    principal: Principal,
    face: &'static Face,
    Path(id): Path<ExecutionId>,
    LastEventId(last_event_id): LastEventId,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Problem> {
    let after = last_event_id.or(query.last_event_id);
    let watcher = api.engine().watch(&principal.tenant, id, after).await.map_err(Problem::of_execution)?;
    let place = admission::stream()?;
    let watched = Watched { watcher: Some(watcher), api, form: Form { encoding: query.encoding, face }, place };
    let headers = [
        // Some proxies compress or gather what they pass on.
        (CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Sse::new(watched.events()).keep_alive(KeepAlive::new().interval(HEARTBEAT))).into_response())
}

/// What an answer is made of while it is sent.
struct Watched {
    /// None when there was no memory for what it brought.
    watcher: Option<Watcher>,
    api: Api,
    form: Form,
    place: StreamPlace,
}

impl Watched {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(self, async |mut watched| {
            let mut watcher = watched.watcher.take()?;
            // Whoever gets much takes turns with everything else, event by event.
            yield_now().await;
            let event = tokio::select! {
                event = watcher.next() => event,
                // The client comes back, to another process or later.
                () = watched.api.shutdown().cancelled() => return None,
            };
            match event {
                Ok(Some(event)) => {
                    let (event, bytes) = written(EventBody::new(event, watched.form));
                    if watched.place.hold(bytes + watcher.waiting_bytes()) {
                        watched.watcher = Some(watcher);
                        return Some((Ok(event), watched));
                    }
                    let let_go = ToldEvent { id: 0, told: Told::TooSlow };
                    Some((Ok(written(EventBody::new(let_go, watched.form)).0), watched))
                }
                Ok(None) => None,
                Err(error) => {
                    tracing::debug!(error = ?error, "a watcher is let go");
                    None
                }
            }
        })
    }
}

/// Writes an event; returns also how many bytes its data has.
fn written(body: EventBody) -> (Event, usize) {
    let event = Event::default().event(body.kind);
    let event = match body.id {
        Some(id) => event.id(id.to_string()),
        None => event,
    };
    // JSON has no line ends, so this is one line, and what is shown is always JSON.
    let data = serde_json::to_string(&body.data).unwrap_or_default();
    let bytes = data.len();
    (event.data(data), bytes)
}
