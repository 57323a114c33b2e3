//! Events of an execution, read as a browser reads them.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::RequestBuilder;
use reqwest::Response;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::Answer;
use crate::Client;

/// The pause before a client comes back.
const PAUSE: Duration = Duration::from_millis(50);

/// An event of a stream of server-sent events.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamEvent {
    /// Its number; none if it is no event of the execution.
    pub id: Option<u64>,
    /// Its type.
    pub kind: String,
    /// Its data.
    pub data: Value,
}

/// The answer to `GET /executions/{id}/events` while it comes.
#[derive(Debug)]
pub struct EventStream {
    response: Response,
    reader: EventReader,
    read: VecDeque<StreamEvent>,
}

/// Reads events from the bytes of a stream.
#[derive(Debug, Default)]
pub struct EventReader {
    line: Vec<u8>,
    id: Option<u64>,
    kind: String,
    data: Option<String>,
    comments: usize,
}

/// What a client has that follows an execution, over any number of streams.
#[derive(Debug, Default)]
pub struct Followed {
    /// Standard output: text as its bytes, base64 decoded.
    pub stdout: Vec<u8>,
    /// Standard error in the same way.
    pub stderr: Vec<u8>,
    /// The results of test cases, in the order in which they came.
    pub tests: Vec<Value>,
    /// Each status that was told.
    pub statuses: Vec<String>,
    /// How often all was void.
    pub resets: usize,
    /// How often the stream ended because the client was too slow.
    pub too_slow: usize,
    /// The result.
    pub result: Option<Value>,
    /// The number of the last event, which a client says that comes back.
    pub last_id: Option<u64>,
    is_base64: bool,
}

impl Client {
    /// Watches an execution from its beginning.
    ///
    /// # Panics
    ///
    /// When the answer is no stream.
    pub async fn events(&self, execution: &str) -> EventStream {
        EventStream::open(self.events_request(execution, None)).await
    }

    /// Watches an execution after event number `after`, or from its beginning.
    ///
    /// # Panics
    ///
    /// When the answer is no stream.
    pub async fn events_after(&self, execution: &str, after: Option<u64>) -> EventStream {
        EventStream::open(self.events_request(execution, after)).await
    }

    /// Watches an execution from its beginning to its end.
    ///
    /// # Panics
    ///
    /// When the stream breaks, or ends without a result.
    pub async fn follow(&self, execution: &str) -> Followed {
        let mut followed = Followed::default();
        let mut stream = self.events(execution).await;
        while let Some(event) = stream.next().await {
            followed.take(&event);
        }
        assert!(followed.result.is_some(), "the stream ended without a result: {followed:#?}");
        followed
    }

    /// Watches an execution to its end, over as many streams as it takes: of a server that is busy, dies or stops.
    ///
    /// # Panics
    ///
    /// When an answer is neither a stream nor a 503.
    pub async fn follow_on(&self, execution: &str, mut followed: Followed) -> Followed {
        while followed.result.is_none() {
            match EventStream::try_open(self.events_request(execution, followed.last_id)).await {
                Ok(Ok(mut stream)) => drop(followed.follow(&mut stream).await),
                Ok(Err(refusal)) => assert_eq!(refusal.status, 503, "{refusal:#?}"),
                Err(_) => {}
            }
            if followed.result.is_none() {
                sleep(PAUSE).await;
            }
        }
        followed
    }

    /// Begins a request for the events after a number.
    pub fn events_request(&self, execution: &str, after: Option<u64>) -> RequestBuilder {
        let request = self.request(Method::GET, &format!("/executions/{execution}/events"));
        match after {
            Some(after) => request.header("last-event-id", after),
            None => request,
        }
    }
}

impl EventStream {
    /// Sends a request for events.
    ///
    /// # Panics
    ///
    /// When the answer is no stream.
    pub async fn open(request: RequestBuilder) -> Self {
        let opened = Self::try_open(request).await.unwrap_or_else(|error| panic!("no answer: {error:?}"));
        opened.unwrap_or_else(|answer| panic!("no stream: {answer:#?}"))
    }

    /// Sends a request for events to a server that may be dying or may refuse it; the inner error is its answer then.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    ///
    /// # Panics
    ///
    /// When the answer is one of another content type.
    pub async fn try_open(request: RequestBuilder) -> reqwest::Result<Result<Self, Box<Answer>>> {
        let response = request.send().await?;
        if response.status() != 200 {
            return Ok(Err(Box::new(Answer::read(response).await?)));
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Ok(Ok(Self { response, reader: EventReader::default(), read: VecDeque::new() }))
    }

    /// Returns a header of the answer; empty when it is missing.
    ///
    /// # Panics
    ///
    /// When it is not ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).map_or("", |value| value.to_str().expect("headers are ASCII"))
    }

    /// Waits for the next event. Returns none when the stream has ended.
    ///
    /// # Panics
    ///
    /// When the stream breaks.
    pub async fn next(&mut self) -> Option<StreamEvent> {
        self.try_next().await.unwrap_or_else(|error| panic!("the stream broke: {error:?}"))
    }

    /// Waits for the next event of a server that may be dying.
    ///
    /// # Errors
    ///
    /// When the stream breaks.
    ///
    /// # Panics
    ///
    /// When an event is not as the server writes them.
    pub async fn try_next(&mut self) -> reqwest::Result<Option<StreamEvent>> {
        loop {
            if let Some(event) = self.read.pop_front() {
                return Ok(Some(event));
            }
            let Some(bytes) = self.response.chunk().await? else { return Ok(None) };
            self.read.extend(self.reader.read(&bytes));
        }
    }

    /// Waits for a comment.
    ///
    /// # Panics
    ///
    /// When the stream breaks or ends before one comes.
    pub async fn comment(&mut self) {
        let before = self.reader.comments;
        while self.reader.comments == before {
            let bytes = self.response.chunk().await.unwrap_or_else(|error| panic!("the stream broke: {error:?}"));
            self.read.extend(self.reader.read(&bytes.expect("the stream goes on")));
        }
    }

    /// Reads all events until the stream ends.
    ///
    /// # Panics
    ///
    /// When the stream breaks.
    pub async fn all(mut self) -> Vec<StreamEvent> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

impl EventReader {
    /// Reads the next bytes, and returns the events that end in them.
    ///
    /// # Panics
    ///
    /// When an event is not as the server writes them.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<StreamEvent> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let line = String::from_utf8(mem::take(&mut self.line)).expect("the stream is UTF-8");
            events.extend(self.read_line(&line));
        }
        self.line.extend_from_slice(rest);
        events
    }

    fn read_line(&mut self, line: &str) -> Option<StreamEvent> {
        match line.split_once(':') {
            Some(("", _)) => self.comments += 1,
            Some(("id", value)) => self.id = Some(value.trim_start().parse().expect("a number")),
            Some(("event", value)) => value.trim_start().clone_into(&mut self.kind),
            Some(("data", value)) => {
                assert_eq!(self.data, None, "an event has one line of data");
                self.data = Some(value.trim_start().to_owned());
            }
            None if line.is_empty() => {
                let data = serde_json::from_str(&self.data.take()?).expect("the data is JSON");
                return Some(StreamEvent { id: self.id.take(), kind: mem::take(&mut self.kind), data });
            }
            _ => panic!("an unknown line: {line:?}"),
        }
        None
    }
}

impl StreamEvent {
    /// Returns the bytes of output.
    ///
    /// # Panics
    ///
    /// When it is no output.
    #[must_use]
    pub fn output(&self) -> Vec<u8> {
        let data = self.data["data"].as_str().unwrap_or_else(|| panic!("no output: {self:?}"));
        match self.data["encoding"].as_str() {
            Some("base64") => STANDARD.decode(data).expect("it is base64"),
            Some(other) => panic!("unknown encoding {other}"),
            None => data.as_bytes().to_vec(),
        }
    }
}

impl Followed {
    /// Takes an event as a client does.
    ///
    /// # Panics
    ///
    /// When the event may not come now.
    pub fn take(&mut self, event: &StreamEvent) {
        // A bus that has forgotten everything counts from the beginning again; it says so first.
        if let (Some(id), Some(last), true) = (event.id, self.last_id, event.kind != "reset") {
            assert!(id > last || (event.kind == "result" && id == last), "{event:?} after number {last}");
        }
        match event.kind.as_str() {
            "stdout" | "stderr" => {
                let output = if event.kind == "stdout" { &mut self.stdout } else { &mut self.stderr };
                output.extend(event.output());
                self.is_base64 = event.data["encoding"] == "base64";
            }
            "test" => self.tests.push(event.data.clone()),
            "status" => self.statuses.push(event.data["status"].as_str().expect("a status").to_owned()),
            "reset" => {
                self.resets += 1;
                self.stdout.clear();
                self.stderr.clear();
                self.tests.clear();
            }
            "too_slow" => self.too_slow += 1,
            "result" => self.result = Some(event.data.clone()),
            other => panic!("an unknown event: {other}"),
        }
        self.last_id = event.id.or(self.last_id);
    }

    /// Follows a stream until it ends or breaks.
    ///
    /// # Errors
    ///
    /// When it breaks.
    pub async fn follow(&mut self, stream: &mut EventStream) -> reqwest::Result<()> {
        while let Some(event) = stream.try_next().await? {
            self.take(&event);
        }
        Ok(())
    }

    /// Returns standard output as text.
    ///
    /// # Panics
    ///
    /// When it is no text.
    #[must_use]
    pub fn stdout(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("text")
    }

    /// Returns standard error as text.
    ///
    /// # Panics
    ///
    /// When it is no text.
    #[must_use]
    pub fn stderr(&self) -> &str {
        std::str::from_utf8(&self.stderr).expect("text")
    }

    /// Asserts that the client has what a row has, in the encoding in which it followed.
    ///
    /// # Panics
    ///
    /// When it has something else.
    #[track_caller]
    pub fn assert_is(&self, row: &Value) {
        // Not shown whole: it may have megabytes.
        assert!(self.result.as_ref() == Some(row), "the result is not {}", row["status"]);
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| {
            let text = row[name].as_str().unwrap_or_default();
            if self.is_base64 { STANDARD.decode(text).expect("it is base64") } else { text.as_bytes().to_vec() }
        });
        assert!(self.stdout == stdout, "{} bytes, not {}", self.stdout.len(), stdout.len());
        assert!(self.stderr == stderr, "{} bytes, not {}", self.stderr.len(), stderr.len());
        assert_eq!(&self.tests, row["tests"].as_array().unwrap_or(&Vec::new()));
    }
}

/// A stream over a connection of its own, of which as much is read as the test wants.
#[derive(Debug)]
pub struct RawEvents {
    /// The connection.
    pub connection: TcpStream,
}

impl RawEvents {
    /// Asks for the events of an execution and reads nothing of the answer. The connection comes from `from`, an address
    /// of the loopback, and the kernel holds little of what is not read.
    ///
    /// # Errors
    ///
    /// When the server does not accept the connection.
    ///
    /// # Panics
    ///
    /// When the address is none of this host.
    pub async fn open(address: &str, from: IpAddr, execution: &str) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        socket.bind((from, 0).into())?;
        let mut connection = socket.connect(address.parse().expect("an address")).await?;
        let request = format!("GET /executions/{execution}/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
        connection.write_all(request.as_bytes()).await?;
        Ok(Self { connection })
    }

    /// Waits until the head of the answer has come, and returns its first line.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn status_line(&mut self) -> io::Result<String> {
        let mut head = [0; 64];
        let length = self.connection.read(&mut head).await?;
        let text = String::from_utf8_lossy(&head[..length]);
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_read_wherever_the_stream_is_cut() {
        let text = ": hello\n\nevent: stdout\nid: 7\ndata: {\"data\":\"ž: \"}\n\n:\n\nevent: too_slow\ndata: {}\n\n";
        let expected = [
            StreamEvent { id: Some(7), kind: "stdout".to_owned(), data: json!({"data": "ž: "}) },
            StreamEvent { id: None, kind: "too_slow".to_owned(), data: json!({}) },
        ];
        for size in 1..text.len() {
            let mut reader = EventReader::default();
            let events: Vec<_> = text.as_bytes().chunks(size).flat_map(|bytes| reader.read(bytes)).collect();
            assert_eq!((events.as_slice(), reader.comments), (&expected[..], 2));
        }
    }
}
