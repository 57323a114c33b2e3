//! Requests that no HTTP library would send.

use std::io;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::header::HeaderName;
use reqwest::header::HeaderValue;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Answer;

const EXCHANGE: Duration = Duration::from_secs(60);

/// Sends `request` over a new connection, and reads until the end of the answer.
pub(crate) async fn exchange(address: &str, request: &[u8]) -> Answer {
    let (text, read) = talk(address, request).await;
    read.unwrap_or_else(|error| panic!("{error} after the answer {text:?}"));
    parse(&text).unwrap_or_else(|| panic!("this is no answer: {text:?}"))
}

/// Sends `request` over a new connection and reads until the server closes or resets it.
pub(crate) async fn exchange_until_reset(address: &str, request: &[u8]) -> Answer {
    let (text, read) = talk(address, request).await;
    if let Err(error) = read {
        // The kernel resets a connection that is closed with bytes unread.
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "after the answer {text:?}");
    }
    parse(&text).unwrap_or_else(|| panic!("this is no answer: {text:?}"))
}

/// Returns what was answered, and how reading it ended.
async fn talk(address: &str, request: &[u8]) -> (String, io::Result<usize>) {
    let stream = TcpStream::connect(address).await.expect("the server accepts connections");
    let (mut reading, mut writing) = stream.into_split();
    let mut answer = Vec::new();
    let send = async {
        // A server that has refused the head does not read the body; its answer is what counts.
        writing.write_all(request).await.ok();
        writing
    };
    let read = timeout(EXCHANGE, reading.read_to_end(&mut answer));
    let (_writing, read) = tokio::join!(send, read);
    let read = read.unwrap_or_else(|_| panic!("the connection does not end after {EXCHANGE:?}"));
    (String::from_utf8_lossy(&answer).into_owned(), read)
}

/// Reads one answer; its body, if it has one, ends with the connection.
fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        headers.append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    Some(Answer { status, headers, text: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_status_headers_and_body() {
        let answer = parse("HTTP/1.1 404 Not Found\r\na: 1\r\nb: x: y\r\n\r\n{}\r\n\r\n").unwrap();
        assert_eq!((answer.status, answer.header("b"), answer.text.as_str()), (404, "x: y", "{}\r\n\r\n"));
        assert!(parse("").is_none());
    }
}
