//! Conversations over WebSockets that break.

use futures_util::SinkExt;
use futures_util::StreamExt;
use runbay_client::Client;
use runbay_client::EventKind;
use runbay_client::InputClosed;
use runbay_client::InteractError;
use runbay_client::Interaction;
use runbay_client::MalformedEvent;
use runbay_client::Received;
use runbay_client::RequestError;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::Callback;
use tokio_tungstenite::tungstenite::handshake::server::ErrorResponse;
use tokio_tungstenite::tungstenite::handshake::server::Request;
use tokio_tungstenite::tungstenite::handshake::server::Response;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::fake_server::EXECUTION;
use crate::fake_server::FakeServer;
use crate::fake_server::json;
use crate::fake_server::problem;
use crate::fake_server::result;

/// A server whose connections a test drives by hand.
struct Sockets {
    listener: TcpListener,
    client: Client,
}

/// Notes what a WebSocket was asked for with.
struct Note<'a>(&'a mut String);

impl Callback for Note<'_> {
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        let key = request.headers().get("authorization").map_or("", |key| key.to_str().unwrap());
        *self.0 = format!("{} {key}", request.uri());
        Ok(response)
    }
}

impl Sockets {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, client: Client::new(&url, Some("rb_key")).unwrap() }
    }

    /// Takes the next connection, and returns it with what was asked for.
    async fn accept(&self) -> (WebSocketStream<TcpStream>, String) {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut asked = String::new();
        let socket = tokio_tungstenite::accept_hdr_async(stream, Note(&mut asked)).await.unwrap();
        (socket, asked)
    }
}

fn output(id: u64, data: &str) -> Message {
    Message::text(format!(r#"{{"type":"stdout","id":{id},"data":"{data}","encoding":"base64"}}"#))
}

fn end(id: u64) -> Message {
    Message::text(format!(r#"{{"type":"result","id":{id},{}"#, &result()[1..]))
}

async fn shown(interaction: &mut Interaction) -> Vec<u8> {
    match interaction.next().await.unwrap() {
        Some(Received::Event(event)) => match event.kind {
            EventKind::Output { data, .. } => data,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

async fn is_result(interaction: &mut Interaction) -> bool {
    let received = interaction.next().await.unwrap();
    matches!(received, Some(Received::Event(event)) if matches!(event.kind, EventKind::Result(_)))
}

#[tokio::test]
async fn a_program_is_spoken_to_until_its_end() {
    let server = Sockets::start().await;
    let (input, mut interaction) = server.client.interact(EXECUTION.parse().unwrap());
    let program = async {
        let (mut socket, asked) = server.accept().await;
        assert_eq!(asked, format!("/executions/{EXECUTION}/ws?encoding=base64 Bearer rb_key"));
        socket.send(output(1, "/w==")).await.unwrap();
        for expected in [
            r#"{"type":"stdin","data":"aGk=","encoding":"base64"}"#,
            r#"{"type":"resize","cols":80,"rows":24}"#,
            r#"{"type":"signal","name":"SIGINT"}"#,
            r#"{"type":"eof"}"#,
        ] {
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(expected));
        }
        socket.send(Message::Ping(Vec::new().into())).await.unwrap();
        socket.send(end(2)).await.unwrap();
        socket.close(Some(CloseFrame { code: 1000.into(), reason: "".into() })).await.unwrap();
    };
    let person = async {
        assert_eq!(shown(&mut interaction).await, b"\xff");
        input.stdin(b"hi").await.unwrap();
        input.resize(80, 24).await.unwrap();
        input.signal("SIGINT").await.unwrap();
        input.eof().await.unwrap();
        assert!(is_result(&mut interaction).await);
        assert!(interaction.next().await.unwrap().is_none());
        assert_eq!(input.eof().await, Err(InputClosed));
    };
    tokio::join!(program, person);
}

#[tokio::test]
async fn a_broken_connection_is_replaced_and_input_is_in_doubt() {
    let server = Sockets::start().await;
    let (input, mut interaction) = server.client.interact(EXECUTION.parse().unwrap());
    let program = async {
        let (mut socket, _) = server.accept().await;
        socket.send(output(4, "YQ==")).await.unwrap();
        drop(socket);
        let (mut socket, asked) = server.accept().await;
        assert!(asked.contains("&last_event_id=4 "), "{asked}");
        socket.send(output(5, "Yg==")).await.unwrap();
        socket.next().await.unwrap().unwrap();
        drop(socket);
        let (mut socket, _) = server.accept().await;
        socket.send(Message::text(r#"{"type":"too_slow","message":"x"}"#)).await.unwrap();
        let (mut socket, _) = server.accept().await;
        socket.send(output(6, "Yw==")).await.unwrap();
        socket.close(Some(CloseFrame { code: 4408.into(), reason: "too slow".into() })).await.unwrap();
        let (mut socket, asked) = server.accept().await;
        assert!(asked.contains("&last_event_id=6 "), "{asked}");
        socket.send(end(9)).await.unwrap();
    };
    let person = async {
        assert_eq!(shown(&mut interaction).await, b"a");
        // Nothing was sent over the first connection.
        assert_eq!(shown(&mut interaction).await, b"b");
        input.stdin(b"hi").await.unwrap();
        assert_eq!(interaction.next().await.unwrap(), Some(Received::InputInDoubt));
        assert_eq!(shown(&mut interaction).await, b"c");
        assert!(is_result(&mut interaction).await);
    };
    tokio::join!(program, person);
}

#[tokio::test]
async fn output_comes_while_the_program_does_not_read() {
    let server = Sockets::start().await;
    let (input, mut interaction) = server.client.interact(EXECUTION.parse().unwrap());
    let program = async {
        let (mut socket, _) = server.accept().await;
        // More than any buffer of a socket holds, and none of the input is read meanwhile.
        let much = "YWFh".repeat(64 * 1024);
        for id in 1..=100 {
            socket.send(output(id, &much)).await.unwrap();
        }
        socket.send(end(101)).await.unwrap();
        // Closing it with unread input would reset the connection, and what is on its way would be lost.
        while let Some(Ok(_)) = socket.next().await {}
    };
    let person = async {
        let mut bytes = 0;
        for _ in 0..100 {
            bytes += shown(&mut interaction).await.len();
        }
        assert_eq!(bytes, 100 * 3 * 64 * 1024);
        assert!(is_result(&mut interaction).await);
    };
    let writer = async { while input.stdin(&[b'x'; 64 * 1024]).await.is_ok() {} };
    tokio::join!(program, person, writer);
}

#[tokio::test]
async fn a_conversation_that_is_refused_is_over() {
    let server = Sockets::start().await;
    for code in [1009, 4400, 4401, 4404] {
        let (_input, mut interaction) = server.client.interact(EXECUTION.parse().unwrap());
        let refuse = async {
            let (mut socket, _) = server.accept().await;
            socket.close(Some(CloseFrame { code: code.into(), reason: "no".into() })).await.unwrap();
        };
        let (error, ()) = tokio::join!(interaction.next(), refuse);
        let error = error.unwrap_err();
        assert!(matches!(&error, InteractError::Closed { code: found, reason } if *found == code && reason == "no"));
        assert!(interaction.next().await.unwrap().is_none());
    }
    let (_input, mut interaction) = server.client.interact(EXECUTION.parse().unwrap());
    let babble = async { server.accept().await.0.send(Message::text("[]")).await.unwrap() };
    let (error, ()) = tokio::join!(interaction.next(), babble);
    assert!(matches!(error, Err(InteractError::Malformed(MalformedEvent::Form(_)))));
}

#[tokio::test]
async fn answers_without_a_websocket_are_told_apart() {
    let server = FakeServer::start(|_| problem(404, "execution_not_found", "")).await;
    let (_input, mut interaction) = server.client().interact(EXECUTION.parse().unwrap());
    let error = interaction.next().await.unwrap_err();
    assert!(matches!(error, InteractError::Request(RequestError::Problem(_))), "{error}");
    let server = FakeServer::start(|_| json(200, "", "{}")).await;
    let (_input, mut interaction) = server.client().interact(EXECUTION.parse().unwrap());
    assert!(matches!(interaction.next().await, Err(InteractError::NoWebSocket)));
    let other_key = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                     sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let server = FakeServer::start(move |_| other_key.to_owned()).await;
    let (_input, mut interaction) = server.client().interact(EXECUTION.parse().unwrap());
    assert!(matches!(interaction.next().await, Err(InteractError::NoWebSocket)));
}
