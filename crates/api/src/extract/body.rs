//! JSON bodies.

use axum::body::Body;
use axum::extract::FromRequest;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::IgnoredAny;
use serde_json::error::Category;

use super::words::Complaint;
use super::words::complaint;
use crate::admission;
use crate::admission::ARRIVAL;
use crate::problem::Code;
use crate::problem::Problem;

/// The largest body in bytes: four times the 3 MiB that files and test cases may have together.
///
/// An encoder that writes only ASCII needs three bytes for each byte of most scripts, and two for a line end. Only text
/// of mostly control characters needs six, and files can have it in base64.
pub(crate) const MAX_BODY_BYTES: usize = 12 * 1024 * 1024;

/// The most bytes that are read of a body that is too large, so that an honest client sees its 413 and not a reset.
const MAX_DROPPED_BYTES: usize = 32 * 1024 * 1024;

/// The JSON object in the body of a request, or a JSON answer.
///
/// An empty body counts as `{}`, with or without a content type.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = tokio::select! {
            bytes = read(body) => bytes?,
            () = tokio::time::sleep(ARRIVAL) => return Err(Problem::new(Code::RequestTimeout)),
            () = admission::displaced() => {
                let sentence = "It gave way to newer ones: the client has its share of the bodies on their way.";
                return Err(Problem::new(Code::RequestTimeout).detail(sentence));
            }
        };
        admission::body_arrived()?;
        if bytes.is_empty() {
            return parse(b"{}").map(Self);
        }
        check_head(&parts.headers)?;
        parse(plain_text(&bytes)?).map(Self)
    }
}

async fn read(mut body: Body) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let mut received = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(Problem::new(Code::InvalidBody)
                .field("body", "ended before it was complete, or is not chunked as it says; send all of it"));
        };
        let Some(data) = frame.data_ref() else { continue };
        received = received.saturating_add(data.len());
        if received <= MAX_BODY_BYTES {
            admission::hold(data.len()).await?;
            bytes.extend_from_slice(data);
        } else if received > MAX_DROPPED_BYTES {
            break;
        } else {
            bytes = Vec::new();
        }
    }
    if received > MAX_BODY_BYTES {
        let limit = format!("The body may have at most {MAX_BODY_BYTES} bytes.");
        return Err(Problem::new(Code::BodyTooLarge).detail(limit));
    }
    Ok(bytes)
}

fn check_head(headers: &HeaderMap) -> Result<(), Problem> {
    if !is_json(headers) {
        return Err(Problem::new(Code::UnsupportedMediaType).field("content-type", "must be application/json"));
    }
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    if codings.into_iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let message = "must be left out: bodies are read as they are; send the JSON without compression";
        return Err(Problem::new(Code::UnsupportedMediaType).field("content-encoding", message));
    }
    Ok(())
}

/// Returns the text of a body in UTF-8, without the byte order mark that some editors put before it.
fn plain_text(bytes: &[u8]) -> Result<&[u8], Problem> {
    let unsupported = |message| Err(Problem::new(Code::UnsupportedMediaType).field("body", message));
    match bytes {
        [0x1f, 0x8b, ..] => unsupported("is compressed (gzip); send the JSON as it is"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => unsupported("is UTF-16; send the JSON in UTF-8"),
        [0xef, 0xbb, 0xbf, text @ ..] => Ok(text),
        text => Ok(text),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde reads an array as a struct, too, with the fields in order.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| refuse(".", &error))?;
        return Err(Problem::new(Code::InvalidBody).field("body", "must be a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refuse(&error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| refuse(".", &error))?;
    Ok(value)
}

/// Reads a JSON object that is a member of a body; complaints name its fields without the member.
pub(crate) fn parse_member<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    parse(text.as_bytes())
}

fn refuse(path: &str, error: &serde_json::Error) -> Problem {
    // A dot stands for the body itself, and a question mark for a member whose name was not read to its end.
    let path = if path == "." || path.contains('?') { None } else { Some(path) };
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let text = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    let (code, member, message) = match error.classify() {
        Category::Data => {
            let Complaint { member, message } = complaint(text);
            (Code::InvalidBody, member, message)
        }
        Category::Eof => {
            let message = format!("ends within the JSON, at line {line}, column {column}; send all of it");
            (Code::InvalidJson, None, message)
        }
        Category::Io | Category::Syntax => {
            let message = format!("is not JSON at line {line}, column {column} ({text}); let a JSON encoder write it");
            (Code::InvalidJson, None, message)
        }
    };
    let field = [path, member].into_iter().flatten().collect::<Vec<_>>().join(".");
    Problem::new(code).field(if field.is_empty() { "body" } else { &field }, message)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Run {
        #[serde(alias = "code")]
        source_code: Option<String>,
        args: Option<Vec<String>>,
    }

    async fn extract(content_type: Option<&str>, body: impl Into<Body>) -> Result<Run, (Code, Vec<String>)> {
        let mut request = Request::post("/");
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let request = request.body(body.into()).unwrap();
        Json::from_request(request, &())
            .await
            .map(|json| json.0)
            .map_err(|problem| (problem.code(), problem.details().to_vec()))
    }

    async fn refusal(body: &'static str) -> (Code, String) {
        let (code, mut details) = extract(Some("application/json"), body).await.unwrap_err();
        assert_eq!(details.len(), 1, "{details:?}");
        (code, details.remove(0))
    }

    #[tokio::test]
    async fn an_empty_body_is_an_empty_object() {
        assert_eq!(extract(None, "").await, Ok(Run::default()));
        assert_eq!(extract(Some("application/json"), "").await, Ok(Run::default()));
        assert_eq!(extract(Some("text/plain"), "").await, Ok(Run::default()));
    }

    #[tokio::test]
    async fn aliases_fill_the_same_field_and_exclude_each_other() {
        let run = extract(Some("application/json; charset=utf-8"), r#"{"code":"1"}"#).await.unwrap();
        assert_eq!(run.source_code.as_deref(), Some("1"));
        let (code, detail) = refusal(r#"{"source_code":"1","code":"2"}"#).await;
        assert_eq!(code, Code::InvalidBody);
        assert_eq!(detail, "source_code: must be there once, under one name");
    }

    #[tokio::test]
    async fn a_wrong_field_is_named() {
        for (body, start) in [
            (r#"{"source_code":5}"#, "source_code: must be a string, not 5"),
            (r#"{"args":["a",null]}"#, "args[1]: must be a string, not null"),
            (r#"{"args":"a"}"#, "args: must be a list, not a string"),
            (r#"{"souce_code":"1"}"#, "souce_code: is no field here; did you mean source_code?"),
            (r#"["1"]"#, "body: must be a JSON object"),
            (r#" "1""#, "body: must be a JSON object"),
            ("null", "body: must be a JSON object"),
        ] {
            let (code, detail) = refusal(body).await;
            assert_eq!(code, Code::InvalidBody, "{body}");
            assert_eq!(detail, start, "{body}");
        }
    }

    #[tokio::test]
    async fn what_is_not_json_is_refused_as_such() {
        assert_eq!(refusal("{").await.1, "body: ends within the JSON, at line 1, column 1; send all of it");
        let comma = "body: is not JSON at line 2, column 1 (trailing comma); let a JSON encoder write it";
        assert_eq!(refusal("{\"code\":\"1\",\n}").await.1, comma);
        assert!(refusal(r#"{"code":"\ud800"}"#).await.1.starts_with("code: "));
        for body in ["{", "[1", "{} {}", "print(1)", "\0", r#"{"code":"\ud800"}"#, r#"{"code":"\x"}"#, " "] {
            assert_eq!(refusal(body).await.0, Code::InvalidJson, "{body:?}");
        }
        let (code, _) = extract(Some("application/json"), &b"{\"code\":\"\xff\"}"[..]).await.unwrap_err();
        assert_eq!(code, Code::InvalidJson);
    }

    #[tokio::test]
    async fn deep_nesting_ends_early() {
        let body = format!(r#"{{"args":{}"#, "[".repeat(100_000));
        let (code, _) = extract(Some("application/json"), body).await.unwrap_err();
        assert!(matches!(code, Code::InvalidJson | Code::InvalidBody), "{code}");
    }

    #[tokio::test]
    async fn other_media_types_are_refused() {
        for media_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("json")] {
            assert_eq!(extract(media_type, "{}").await.unwrap_err().0, Code::UnsupportedMediaType, "{media_type:?}");
        }
        assert!(extract(Some("application/merge-patch+json"), "{}").await.is_ok());
    }

    #[tokio::test]
    async fn compressed_bodies_and_other_encodings_are_named() {
        let coded = |coding: &str| {
            let request = Request::post("/").header(CONTENT_TYPE, "application/json");
            request.header(CONTENT_ENCODING, coding).body(Body::from("{}")).unwrap()
        };
        for coding in ["gzip", "br", "identity, gzip", ""] {
            let problem = Json::<Run>::from_request(coded(coding), &()).await.err().unwrap();
            assert_eq!(problem.code(), Code::UnsupportedMediaType, "{coding}");
            assert!(problem.details()[0].starts_with("content-encoding: must be left out"), "{coding}");
        }
        assert!(Json::<Run>::from_request(coded("Identity"), &()).await.is_ok());
        for (body, start) in [(&b"\x1f\x8b\x08\0"[..], "body: is compressed"), (b"\xff\xfe{\0}\0", "body: is UTF-16")] {
            let (code, details) = extract(Some("application/json"), body).await.unwrap_err();
            assert_eq!(code, Code::UnsupportedMediaType);
            assert!(details[0].starts_with(start), "{details:?}");
        }
    }

    #[tokio::test]
    async fn a_byte_order_mark_before_the_body_counts_for_nothing() {
        let run = extract(Some("application/json"), "\u{feff}{\"code\":\"1\"}").await.unwrap();
        assert_eq!(run.source_code.as_deref(), Some("1"));
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let body = vec![b' '; MAX_BODY_BYTES + 1];
        assert_eq!(extract(Some("application/json"), body).await.unwrap_err().0, Code::BodyTooLarge);
    }
}
