//! `GET /executions/{execution_id}/ws`

mod end;

use std::collections::VecDeque;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::Message;
use axum::extract::ws::WebSocket;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use runbay_engine::InputRefused;
use runbay_engine::LiveLink;
use runbay_engine::ReadError;
use runbay_engine::SendError;
use runbay_engine::Watcher;
use runbay_model::ExecutionId;
use runbay_model::LiveInput;
use serde::Serialize;
use tokio::time::Instant;
use tokio::time::interval;
use tokio::time::sleep_until;

use self::end::End;
use super::event::EventBody;
use super::event::EventData;
use super::event::Form;
use super::frame;
use super::query::EventsQuery;
use crate::admission;
use crate::admission::StreamPlace;
use crate::auth::Principal;
use crate::connections::Kept;
use crate::extract::Path;
use crate::extract::Query;
use crate::face::Face;
use crate::problem::Code;
use crate::problem::Problem;
use crate::state::Api;

/// The longest frame of a client, in bytes.
const LONGEST_FRAME: usize = 64 * 1024;

/// How much input may wait for the program before nothing more is read from the client.
const MOST_WAITING: usize = 64 * 1024;

/// How long to wait before input is sent again that the program did not take. It doubles each time, as an execution may
/// be queued for long.
const FIRST_RETRY: Duration = Duration::from_millis(20);
const LONGEST_RETRY: Duration = Duration::from_millis(640);

/// How many frames are read in one [`FRAME_TIME`]: more than a person sends. Each is work, however short it is.
const FRAMES_AT_ONCE: u32 = 64;
const FRAME_TIME: Duration = Duration::from_millis(200);

/// The room for what is read and written at one time. Many connections are idle.
const BUFFER: usize = 4 * 1024;

/// How often the client is asked whether it is still there, and the worker is told that it is.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How long a client may say nothing, not even that it is there.
const SILENCE: Duration = Duration::from_secs(35);

/// Takes part in an execution over a WebSocket: its events as they happen, and input for its program.
///
/// The server sends the events of `GET /executions/{execution_id}/events` as JSON objects that have their `type` and `id`
/// as members as well. The client sends `{"type": "stdin", "data": "...", "encoding": "text"}`, `{"type": "eof"}`,
/// `{"type": "signal", "name": "SIGINT"}` and `{"type": "resize", "cols": 80, "rows": 24}`. Input reaches executions that
/// were started with `interactive`. The connection is closed with 1000 after `result`, 1001 when the server stops, 1009
/// for a frame of more than 64 KiB, 1002 or 1007 for one that is none or no text, 1013 when the program or the database cannot be
/// reached, 4400 for one that makes no sense, 4404 for an unknown execution, and 4408 for a client
/// that is too slow or silent. When the last client is gone for 40 s, an interactive execution is cancelled.
#[utoipa::path(
    get,
    path = "/executions/{execution_id}/ws",
    tag = "executions",
    params(("execution_id" = uuid::Uuid, Path, description = "The execution's id"), EventsQuery),
    responses(
        (status = 101, description = "The connection is a WebSocket from here on."),
        (status = 400, response = Problem),
    ),
)]
pub(crate) async fn join_execution(
    State(api): State<Api>,
    principal: Principal,
    face: &'static Face,
    Path(id): Path<ExecutionId>,
    Query(query): Query<EventsQuery>,
    kept: Option<Extension<Kept>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| {
        let complaint = format!("must ask for a WebSocket (RFC 6455): {}", rejection.body_text());
        Problem::new(Code::InvalidHeader).field("upgrade", complaint)
    })?;
    let place = admission::stream()?;
    let watcher = api.engine().watch(&principal.tenant, id, query.last_event_id).await;
    let link = api.engine().link(&principal.tenant, id);
    let form = Form { encoding: query.encoding, face };
    let upgrade = upgrade.max_message_size(LONGEST_FRAME).max_frame_size(LONGEST_FRAME);
    let upgrade = upgrade.read_buffer_size(BUFFER).write_buffer_size(BUFFER);
    Ok(upgrade.on_upgrade(async move |socket| {
        let kept = kept.map(|Extension(kept)| kept.used());
        let (socket, end) = match watcher {
            Ok(watcher) => Conversation::new(socket, watcher, link, form, api, place).hold().await,
            Err(ReadError::NotFound) => (socket, End::new(4404, "there is no such execution")),
            Err(ReadError::Unavailable(_)) => (socket, End::new(1013, "the database does not answer: come back later")),
        };
        end.tell(socket).await;
        drop(kept);
    }))
}

/// A client that takes part.
struct Conversation {
    socket: WebSocket,
    watcher: Watcher,
    link: LiveLink,
    form: Form,
    api: Api,
    place: StreamPlace,
    /// Input that the program has not taken yet.
    waiting: VecDeque<LiveInput>,
    /// The size of the client's terminal, which each attempt of the program is told.
    size: Option<LiveInput>,
    is_size_due: bool,
    /// When to send again what was not taken.
    retry_at: Option<Instant>,
    next_retry: Duration,
    heard_at: Instant,
    /// The frames of the present [`FRAME_TIME`], and when that ends.
    frames: u32,
    frames_until: Instant,
}

#[derive(Serialize)]
struct Told {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(flatten)]
    data: EventData,
}

impl Conversation {
    fn new(socket: WebSocket, watcher: Watcher, link: LiveLink, form: Form, api: Api, place: StreamPlace) -> Self {
        Self {
            socket,
            watcher,
            link,
            form,
            api,
            place,
            waiting: VecDeque::new(),
            size: None,
            is_size_due: false,
            retry_at: None,
            next_retry: FIRST_RETRY,
            heard_at: Instant::now(),
            frames: 0,
            frames_until: Instant::now(),
        }
    }

    /// Goes on until one side ends it.
    async fn hold(mut self) -> (WebSocket, End) {
        let mut heartbeat = interval(HEARTBEAT);
        let end = loop {
            let retry = async {
                match self.retry_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let may_read = self.waiting_bytes() < MOST_WAITING;
            let frames_from = if self.frames < FRAMES_AT_ONCE { Instant::now() } else { self.frames_until };
            // Each arm awaits only what loses nothing when another arm is faster.
            let next = tokio::select! {
                event = self.watcher.next() => Next::Event(event),
                frame = read_from(frames_from, &mut self.socket), if may_read => Next::Frame(frame),
                () = retry => Next::Retry,
                _ = heartbeat.tick() => Next::Heartbeat,
                () = self.api.shutdown().cancelled() => Next::Shutdown,
            };
            let result = match next {
                Next::Event(event) => self.tell(event).await,
                Next::Frame(frame) => self.take(frame).await,
                Next::Retry => self.pass_on().await,
                Next::Heartbeat => self.beat(may_read).await,
                Next::Shutdown => Err(End::new(1001, "the server stops: come back later")),
            };
            if let Err(end) = result {
                break end;
            }
        };
        (self.socket, end)
    }

    async fn tell(&mut self, event: Result<Option<runbay_engine::ToldEvent>, ReadError>) -> Result<(), End> {
        let event = match event {
            Ok(Some(event)) => event,
            Ok(None) => return Err(End::new(1000, "the execution has ended")),
            Err(ReadError::NotFound) => return Err(End::new(4404, "there is no such execution")),
            Err(ReadError::Unavailable(_)) => {
                return Err(End::new(1013, "the database does not answer: come back later"));
            }
        };
        let EventBody { id, kind, data } = EventBody::new(event, self.form);
        let is_too_slow = matches!(data, EventData::TooSlow { .. });
        let text = serde_json::to_string(&Told { kind, id, data }).map_err(|_| End::new(1011, "an event was lost"))?;
        let is_too_slow = is_too_slow || !self.place.hold(text.len() + self.watcher.waiting_bytes());
        if is_too_slow {
            return Err(End::new(4408, "too slow: come back with the last id"));
        }
        self.socket.send(Message::text(text)).await.map_err(|_| End::gone())?;
        if kind != "status" {
            return Ok(());
        }
        // An attempt may have begun, which runs elsewhere, knows nothing of the size and takes input.
        self.link.look_again();
        self.is_size_due = self.size.is_some();
        self.next_retry = FIRST_RETRY;
        self.pass_on().await
    }

    async fn take(&mut self, frame: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        self.heard_at = Instant::now();
        self.frames += 1;
        if self.frames_until <= self.heard_at {
            (self.frames, self.frames_until) = (1, self.heard_at + FRAME_TIME);
        }
        match frame {
            Some(Ok(Message::Text(text))) => {
                let input = frame::read(&text).map_err(|complaint| End::new(4400, &complaint))?;
                for input in input {
                    match input {
                        LiveInput::Stdin(_) | LiveInput::EndOfFile => self.waiting.push_back(input),
                        LiveInput::Resize(_) => (self.size, self.is_size_due) = (Some(input), true),
                        // They pass what the program has not read.
                        _ => self.send_at_once(&input).await?,
                    }
                }
                if self.retry_at.is_none() { self.pass_on().await } else { Ok(()) }
            }
            Some(Ok(Message::Binary(_))) => Err(End::new(4400, "frames are text, with bytes in base64")),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Close(_))) | None => Err(End::gone()),
            Some(Err(error)) => Err(End::of_broken(&error)),
        }
    }

    /// Passes on what waits, as far as the program takes it.
    async fn pass_on(&mut self) -> Result<(), End> {
        self.retry_at = None;
        if let Some(size) = self.size.as_ref().filter(|_| self.is_size_due) {
            match self.link.send(size).await {
                Err(SendError::Refused(InputRefused::Later | InputRefused::Elsewhere)) => {
                    self.retry_later();
                    return Ok(());
                }
                Ok(()) | Err(SendError::Refused(InputRefused::Never)) => self.is_size_due = false,
                Err(error) => return Err(End::of_unsent(&error)),
            }
        }
        while let Some(input) = self.waiting.front() {
            match self.link.send(input).await {
                Ok(()) => self.next_retry = FIRST_RETRY,
                Err(SendError::Refused(InputRefused::Later | InputRefused::Elsewhere)) => {
                    self.retry_later();
                    return Ok(());
                }
                Err(SendError::Refused(InputRefused::Never)) if !self.watcher.takes_input() => {
                    return Err(End::new(4400, "the execution takes no input: start it with interactive"));
                }
                // The program has ended or stopped reading, and its events tell what comes of that.
                Err(SendError::Refused(InputRefused::Never)) => {}
                Err(error) => return Err(End::of_unsent(&error)),
            }
            self.waiting.pop_front();
        }
        Ok(())
    }

    fn retry_later(&mut self) {
        self.retry_at = Some(Instant::now() + self.next_retry);
        self.next_retry = (self.next_retry * 2).min(LONGEST_RETRY);
    }

    async fn send_at_once(&mut self, input: &LiveInput) -> Result<(), End> {
        match self.link.send(input).await {
            // A signal for a program that has not begun, or has ended, has nobody to reach.
            Ok(()) | Err(SendError::Refused(_)) => Ok(()),
            Err(error) => Err(End::of_unsent(&error)),
        }
    }

    /// Tells each side that the other one is there.
    async fn beat(&mut self, may_read: bool) -> Result<(), End> {
        if !may_read {
            // Who is not listened to cannot be heard.
            self.heard_at = Instant::now();
        } else if self.heard_at.elapsed() > SILENCE {
            return Err(End::new(4408, "nothing was heard for too long"));
        }
        self.socket.send(Message::Ping(axum::body::Bytes::new())).await.map_err(|_| End::gone())?;
        if self.watcher.takes_input() {
            // Whether it arrived or not, the next one comes soon.
            drop(self.link.send(&LiveInput::Presence).await);
        }
        Ok(())
    }

    fn waiting_bytes(&self) -> usize {
        let bytes = |input: &LiveInput| if let LiveInput::Stdin(bytes) = input { bytes.len() } else { 1 };
        self.waiting.iter().map(bytes).sum()
    }
}

/// Reads a frame from a moment on.
///
/// CANCEL: nothing is lost.
async fn read_from(moment: Instant, socket: &mut WebSocket) -> Option<Result<Message, axum::Error>> {
    if Instant::now() < moment {
        sleep_until(moment).await;
    }
    socket.recv().await
}

/// What happens next in a conversation.
enum Next {
    Event(Result<Option<runbay_engine::ToldEvent>, ReadError>),
    Frame(Option<Result<Message, axum::Error>>),
    Retry,
    Heartbeat,
    Shutdown,
}
