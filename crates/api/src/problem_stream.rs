//! Problem documents for requests that never become one.
//!
//! The HTTP library answers a malformed or oversized head by itself, with a status and no body, and no route or layer
//! sees it. The stream below it recognises that answer and sends a problem document in its place, so that every error
//! has the same form.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use axum::http::HeaderMap;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::time::Sleep;

use crate::metrics::count_request;
use crate::problem;
use crate::problem::Code;
use crate::problem::Problem;
use crate::request_id;
use crate::request_id::RequestId;

/// What the library writes in the head of its own answers; those of the routes always have a body.
const NO_BODY: &str = "content-length: 0\r\n";

/// The library's own answers are shorter.
const LONGEST_OWN_HEAD: usize = 1024;

/// How long and how much is read of a request that was refused: with unread bytes, closing would be a reset, which
/// may overtake the answer.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1024 * 1024;

/// The stream of one connection.
pub(crate) struct ProblemStream<S> {
    inner: S,
    /// A document that stands for an answer of the library, and how much of it was sent.
    document: Vec<u8>,
    sent: usize,
    lingering: Option<Lingering>,
}

struct Lingering {
    end: Pin<Box<Sleep>>,
    bytes: usize,
}

impl<S> ProblemStream<S> {
    pub(crate) const fn new(inner: S) -> Self {
        Self { inner, document: Vec::new(), sent: 0, lingering: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ProblemStream<S> {
    /// Takes over an answer that the library made by itself; false when `bytes` are anything else.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        if !self.document.is_empty() {
            return false;
        }
        let Some(document) = document_for(bytes) else {
            return false;
        };
        self.document = document;
        true
    }

    fn poll_send_document(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.document.len() {
            let count = ready!(Pin::new(&mut self.inner).poll_write(context, &self.document[self.sent..]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads on until the client has read its answer and gone, or has used up what it may.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let lingering =
            self.lingering.get_or_insert_with(|| Lingering { end: Box::pin(tokio::time::sleep(LINGER)), bytes: 0 });
        let mut space = [0; 4096];
        while lingering.bytes < LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut self.inner).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => lingering.bytes += buffer.filled().len(),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return lingering.end.as_mut().poll(context),
            }
        }
        Poll::Ready(())
    }
}

/// Returns the answer to send in place of `head`, if that is one which the HTTP library made by itself.
fn document_for(head: &[u8]) -> Option<Vec<u8>> {
    // The rest of a large answer comes here once for each piece of it.
    if head.len() > LONGEST_OWN_HEAD {
        return None;
    }
    let text = std::str::from_utf8(head).ok()?;
    let code = match text.strip_prefix("HTTP/1.")?.get(2..5)? {
        "400" => Code::MalformedRequest,
        "431" => Code::HeadTooLarge,
        _ => return None,
    };
    let (before, after) = text.split_once(NO_BODY)?;
    if !after.ends_with("\r\n\r\n") || text.contains(request_id::HEADER.as_str()) {
        return None;
    }
    count_request("OTHER", "unmatched".to_owned(), code.status().as_u16(), Duration::ZERO);
    let request = RequestId::of(&HeaderMap::new());
    let body = serde_json::to_string(&Problem::new(code).into_document(&request)).ok()?;
    let answer = format!(
        "{before}content-type: {}\r\n{}: {}\r\ncontent-length: {}\r\n{after}{body}",
        problem::MEDIA_TYPE,
        request_id::HEADER,
        request.as_str(),
        body.len()
    );
    Some(answer.into_bytes())
}

impl<S: AsyncRead + Unpin> AsyncRead for ProblemStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ProblemStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send_document(context))?;
        if self.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_send_document(context))?;
        if let [only] = slices
            && self.replaces(only)
        {
            return Poll::Ready(Ok(only.len()));
        }
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_document(context))?;
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_document(context))?;
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(context))?;
        }
        if !self.document.is_empty() {
            ready!(self.poll_linger(context));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;

    use super::*;

    const OWN: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\ndate: now\r\n\r\n";

    #[tokio::test]
    async fn an_answer_without_a_body_becomes_a_document() {
        // Smaller than the document, which therefore goes out in parts.
        let (ours, mut client) = tokio::io::duplex(32);
        let serving = tokio::spawn(async move {
            let mut stream = ProblemStream::new(ours);
            stream.write_all(OWN.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            stream.shutdown().await.unwrap();
        });
        client.write_all(b"the rest of the request").await.unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        drop(client);
        serving.await.unwrap();

        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"), "{head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\nconnection: close", body.len())), "{head}");
        let document: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(document["code"], "malformed_request");
        assert!(head.contains(&format!("\r\nx-request-id: {}\r\n", document["request_id"].as_str().unwrap())));
    }

    #[test]
    fn answers_of_routes_pass() {
        for head in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 12\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nx-request-id: 1\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 431",
            "HTTP/1.1 4",
            "{}",
        ] {
            assert!(document_for(head.as_bytes()).is_none(), "{head}");
        }
    }
}
