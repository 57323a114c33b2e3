//! Events of an execution as they happen.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use reqwest::Method;
use reqwest::Response;
use runbay_model::ExecutionId;
use tokio::time::timeout;

use crate::Client;
use crate::Event;
use crate::EventKind;
use crate::MalformedEvent;
use crate::RequestError;
use crate::event::EXACT;
use crate::event::Told;
use crate::patience::Patience;
use crate::send::ANSWER;
use crate::send::open;
use crate::sse::Parser;

/// The longest silence of a connection: servers send a comment every 15 s, and over WebSockets a ping every 10 s.
pub(crate) const SILENCE: Duration = Duration::from_secs(45);

/// The events of an execution, from one number on to its result.
///
/// A connection that breaks is replaced, and no event is missed or seen twice. The stream gives up after 9 connections in
/// a row that brought nothing new, which takes a quarter of a minute where nobody answers.
#[derive(Debug)]
pub struct EventStream {
    client: Client,
    execution: ExecutionId,
    place: Place,
    connection: Connection,
    is_over: bool,
}

/// Why there are no more events.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The server refused, or could not be reached.
    #[error("failed to ask for the events of the execution")]
    Request(#[from] RequestError),
    /// One connection after the other ended too early.
    #[error("the connection to the server broke again and again")]
    Broken,
    /// An event cannot be read.
    #[error("an event of the server cannot be read")]
    Malformed(#[from] MalformedEvent),
}

/// How far the events of an execution were seen.
#[derive(Debug)]
pub(crate) struct Place {
    /// The number of the last event.
    last_id: Option<u64>,
    patience: Patience,
}

/// A connection to be, kept so that it goes on where a caller stopped waiting.
pub(crate) struct Connecting<T>(Pin<Box<dyn Future<Output = T> + Send>>);

#[derive(Debug)]
enum Connection {
    None,
    Coming(Connecting<Result<Response, RequestError>>),
    Open(Box<Open>),
}

#[derive(Debug)]
struct Open {
    response: Response,
    parser: Parser,
}

impl Client {
    /// Watches an execution: its events after number `after`, or all of them, also when it ended long ago.
    ///
    /// Nothing is sent before the first call of [`EventStream::next`].
    #[must_use]
    pub fn events(&self, execution: ExecutionId, after: Option<u64>) -> EventStream {
        let place = Place::after(after);
        EventStream { client: self.clone(), execution, place, connection: Connection::None, is_over: false }
    }
}

impl EventStream {
    /// Waits for the next event. Returns none after the result.
    ///
    /// CANCEL: nothing is lost.
    ///
    /// # Errors
    ///
    /// [`EventsError`] when the stream cannot go on. After it the stream is over.
    pub async fn next(&mut self) -> Result<Option<Event>, EventsError> {
        if self.is_over {
            return Ok(None);
        }
        let told = self.advance().await;
        self.is_over = match &told {
            Ok(event) => matches!(event.kind, EventKind::Result(_)),
            Err(_) => true,
        };
        if self.is_over {
            self.connection = Connection::None;
        }
        told.map(Some)
    }

    /// Returns the number of the last event that was seen.
    #[must_use]
    pub fn last_id(&self) -> Option<u64> {
        self.place.last_id
    }

    async fn advance(&mut self) -> Result<Event, EventsError> {
        loop {
            match &mut self.connection {
                Connection::None => {
                    self.place.rest().await;
                    self.connection = Connection::Coming(self.connect());
                }
                Connection::Coming(connecting) => match connecting.wait().await {
                    Ok(response) => {
                        self.connection = Connection::Open(Box::new(Open { response, parser: Parser::default() }));
                    }
                    Err(error) => {
                        self.connection = Connection::None;
                        self.place.excuse(error)?;
                    }
                },
                Connection::Open(open) => match open.read().await? {
                    Some(Told::Event(event)) => {
                        self.place.pass(&event);
                        return Ok(event);
                    }
                    Some(Told::Unknown) => {}
                    Some(Told::TooSlow) | None => {
                        self.connection = Connection::None;
                        if !self.place.lose() {
                            return Err(EventsError::Broken);
                        }
                    }
                },
            }
        }
    }

    fn connect(&self) -> Connecting<Result<Response, RequestError>> {
        let mut request = self.client.execution(Method::GET, self.execution, &["events"]).query(&[EXACT]);
        if let Some(id) = self.place.last_id {
            request = request.header("last-event-id", id);
        }
        Connecting::new(async { timeout(ANSWER, open(request)).await.unwrap_or(Err(RequestError::Silent)) })
    }
}

impl<T> Connecting<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Box::pin(future))
    }

    /// Waits for the connection. Must not be called again after it returned.
    ///
    /// CANCEL: nothing is lost.
    pub(crate) async fn wait(&mut self) -> T {
        self.0.as_mut().await
    }
}

impl<T> fmt::Debug for Connecting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connecting")
    }
}

impl Open {
    /// Returns none at the end of the connection, however it came.
    ///
    /// CANCEL: nothing is lost.
    async fn read(&mut self) -> Result<Option<Told>, MalformedEvent> {
        loop {
            if let Some(frame) = self.parser.pop() {
                return Told::parse(&frame.kind, frame.id, &frame.data).map(Some);
            }
            match timeout(SILENCE, self.response.chunk()).await {
                Ok(Ok(Some(bytes))) => self.parser.push(&bytes)?,
                Ok(Ok(None) | Err(_)) | Err(_) => return Ok(None),
            }
        }
    }
}

impl Place {
    pub(crate) const fn after(last_id: Option<u64>) -> Self {
        Self { last_id, patience: Patience::for_streams() }
    }

    pub(crate) const fn last_id(&self) -> Option<u64> {
        self.last_id
    }

    /// Notes an event. Only a number that is new is progress.
    pub(crate) fn pass(&mut self, event: &Event) {
        if event.id > self.last_id {
            self.last_id = event.id;
            self.patience.renew();
        }
    }

    /// Waits until it is time for the next connection.
    ///
    /// CANCEL: nothing is lost.
    pub(crate) async fn rest(&self) {
        self.patience.rest().await;
    }

    /// Notes a connection that broke. Returns whether to make another one.
    pub(crate) fn lose(&mut self) -> bool {
        self.patience.fail(None)
    }

    /// Notes a connection that was not made. Returns the error when there is no use in another try.
    pub(crate) fn excuse(&mut self, error: RequestError) -> Result<(), RequestError> {
        if error.is_temporary() && self.patience.fail(error.retry_after()) { Ok(()) } else { Err(error) }
    }
}
