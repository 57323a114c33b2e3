//! Conversations with programs over a WebSocket.

mod frame;
mod socket;

use std::future::poll_fn;

use runbay_model::ExecutionId;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::Client;
use crate::Event;
use crate::EventKind;
use crate::MalformedEvent;
use crate::RequestError;
use crate::event::Told;
use crate::events::Connecting;
use crate::events::Place;
use crate::events::SILENCE;

pub use frame::InputClosed;
pub use frame::InputSender;

use frame::Frame;
use socket::Closed;
use socket::Socket;

/// The most pieces of input that wait for the connection.
const WAITING: usize = 8;

/// The events of an execution, and the way of input to its program.
///
/// A connection that breaks is replaced as that of [`EventStream`](crate::EventStream) is.
#[derive(Debug)]
pub struct Interaction {
    client: Client,
    execution: ExecutionId,
    place: Place,
    input: mpsc::Receiver<Frame>,
    connection: Connection,
    /// Whether a connection broke after input was sent over it.
    is_input_in_doubt: bool,
    is_over: bool,
}

#[derive(Debug)]
enum Connection {
    None,
    Coming(Connecting<Result<Socket, InteractError>>),
    Open(Box<Socket>),
}

/// What comes from a program that somebody speaks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// The next event.
    Event(Event),
    /// The connection was replaced. Input that was sent last may not have reached the program; it is not sent again.
    InputInDoubt,
}

/// Why a conversation cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum InteractError {
    /// The server refused, or could not be reached.
    #[error("failed to connect to the program")]
    Request(#[from] RequestError),
    /// The answer is no WebSocket.
    #[error("the server or a proxy before it does not speak WebSocket")]
    NoWebSocket,
    /// One connection after the other ended too early.
    #[error("the connection to the server broke again and again")]
    Broken,
    /// The server ended the conversation.
    #[error("the server ended the conversation: {reason} (code {code})")]
    Closed {
        /// The code: 1009 for a frame that is too large, 4400 for one that is refused, 4401 for a wrong key, 4404 for an
        /// unknown execution.
        code: u16,
        /// Why, for a person.
        reason: String,
    },
    /// An event cannot be read.
    #[error("an event of the server cannot be read")]
    Malformed(#[from] MalformedEvent),
}

impl Client {
    /// Speaks to the program of an execution that was created as interactive, and watches it from its beginning.
    ///
    /// Nothing is sent before the first call of [`Interaction::next`], and input is sent only during such calls.
    #[must_use]
    pub fn interact(&self, execution: ExecutionId) -> (InputSender, Interaction) {
        let (sender, input) = mpsc::channel(WAITING);
        let interaction = Interaction {
            client: self.clone(),
            execution,
            place: Place::after(None),
            input,
            connection: Connection::None,
            is_input_in_doubt: false,
            is_over: false,
        };
        (InputSender::new(sender), interaction)
    }
}

impl Interaction {
    /// Sends input and waits for the next event. Returns none after the result.
    ///
    /// CANCEL: nothing is lost.
    ///
    /// # Errors
    ///
    /// [`InteractError`] when the conversation cannot go on. After it the conversation is over.
    pub async fn next(&mut self) -> Result<Option<Received>, InteractError> {
        if self.is_over {
            return Ok(None);
        }
        let received = self.advance().await;
        self.is_over = match &received {
            Ok(Received::Event(event)) => matches!(event.kind, EventKind::Result(_)),
            Ok(Received::InputInDoubt) => false,
            Err(_) => true,
        };
        if self.is_over {
            self.input.close();
            self.connection = Connection::None;
        }
        received.map(Some)
    }

    async fn advance(&mut self) -> Result<Received, InteractError> {
        loop {
            match &mut self.connection {
                Connection::None => {
                    self.place.rest().await;
                    let connecting = Socket::connect(&self.client, self.execution, self.place.last_id());
                    self.connection = Connection::Coming(Connecting::new(connecting));
                }
                Connection::Coming(connecting) => match connecting.wait().await {
                    Ok(socket) => {
                        self.connection = Connection::Open(Box::new(socket));
                        if std::mem::take(&mut self.is_input_in_doubt) {
                            return Ok(Received::InputInDoubt);
                        }
                    }
                    Err(error) => {
                        self.connection = Connection::None;
                        self.excuse(error)?;
                    }
                },
                Connection::Open(socket) => {
                    let received = poll_fn(|context| socket.poll(context, &mut self.input));
                    match timeout(SILENCE, received).await.unwrap_or(Err(Closed::Broken)) {
                        Ok(None) => {}
                        Ok(Some(text)) => match Told::parse_object(&text)? {
                            Told::Event(event) => {
                                self.place.pass(&event);
                                return Ok(Received::Event(event));
                            }
                            Told::Unknown => {}
                            Told::TooSlow => self.lose(Closed::Broken)?,
                        },
                        Err(closed) => self.lose(closed)?,
                    }
                }
            }
        }
    }

    /// Notes that a connection ended. Returns the error when there is no use in another one.
    fn lose(&mut self, closed: Closed) -> Result<(), InteractError> {
        if let Connection::Open(socket) = &self.connection {
            self.is_input_in_doubt |= socket.has_sent();
        }
        self.connection = Connection::None;
        match closed {
            Closed::Broken if self.place.lose() => Ok(()),
            Closed::Broken => Err(InteractError::Broken),
            Closed::TooLarge => Err(MalformedEvent::TooLarge.into()),
            Closed::ByServer { code, reason } => Err(InteractError::Closed { code, reason }),
        }
    }

    /// Notes a connection that was not made. Returns the error when there is no use in another try.
    fn excuse(&mut self, error: InteractError) -> Result<(), InteractError> {
        match error {
            InteractError::Request(error) => Ok(self.place.excuse(error)?),
            error => Err(error),
        }
    }
}
