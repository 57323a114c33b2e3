//! The service behind a real nginx with TLS, set up as docs/operations.md says.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use runbay_testkit::Certificate;
use runbay_testkit::Launch;
use runbay_testkit::Nginx;
use runbay_testkit::NginxServer;
use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

const DOCUMENT: &str = include_str!("../../docs/operations.md");

/// A proxy in front of a server, under the name `code.example`.
struct Site {
    app: TestApp,
    nginx: NginxServer,
    certificate: Arc<Certificate>,
}

/// An answer as curl shows it.
#[derive(Debug)]
struct Shown {
    status: u16,
    headers: String,
    body: String,
}

impl Site {
    /// Starts a server, and an nginx with the configuration of the documentation after `change`.
    async fn start(launch: Launch, change: impl FnOnce(String) -> String) -> Self {
        let app = launch.start().await;
        let start = DOCUMENT.find("```nginx\n").expect("the documentation has a configuration") + "```nginx\n".len();
        let (block, _) = DOCUMENT[start..].split_once("```").expect("the configuration ends");
        let block = change(block.to_owned())
            .replace("listen 443 ssl", "listen 127.0.0.1:PORT ssl")
            .replace("/etc/ssl/code.example.pem", "CHAIN")
            .replace("/etc/ssl/code.example.key", "KEY")
            .replace("127.0.0.1:8080", app.client.address());
        let certificate = Arc::new(Certificate::for_names(&["code.example"]));
        let nginx = Nginx::of(&block, &certificate).start().await;
        Self { app, nginx, certificate }
    }

    async fn ask(&self, method: &Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Shown {
        let port = self.nginx.port();
        let mut curl = Command::new("curl");
        curl.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).kill_on_drop(true);
        curl.args(["--silent", "--show-error", "--include", "--noproxy", "*", "--http1.1"]);
        curl.arg("--cacert").arg(self.certificate.authority());
        curl.args(["--resolve", &format!("code.example:{port}:127.0.0.1"), "--request", method.as_str()]);
        for (name, value) in headers {
            curl.args(["--header", &format!("{name}: {value}")]);
        }
        if body.is_some() {
            curl.args(["--header", "content-type: application/json", "--header", "expect:", "--data-binary", "@-"]);
        }
        curl.arg(format!("https://code.example:{port}{path}"));
        let mut child = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("curl");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        stdin.write_all(body.map(Value::to_string).unwrap_or_default().as_bytes()).await.expect("curl reads the body");
        drop(stdin);
        let output =
            timeout(Duration::from_secs(120), child.wait_with_output()).await.expect("curl ends").expect("curl writes");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), self.nginx.log());
        let (headers, body) = text.split_once("\r\n\r\n").expect("headers end");
        let status = headers.split_ascii_whitespace().nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Shown { status, headers: headers.to_ascii_lowercase(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Shown {
        self.ask(&Method::GET, path, &[], None).await
    }

    async fn post(&self, path: &str, origin: &str, body: &Value) -> Shown {
        self.ask(&Method::POST, path, &[("origin", origin)], Some(body)).await
    }
}

impl Shown {
    #[track_caller]
    fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        serde_json::from_str(&self.body).expect("JSON")
    }

    #[track_caller]
    fn expect_problem(&self, code: &str) {
        assert_eq!(self.expect(403)["code"], code);
    }
}

/// A server that is told where it is reached.
fn public() -> Launch {
    Launch::default().arg("--public-url=https://code.example").arg("--allowed-origins=https://lms.example")
}

const PAGE: &str = "https://code.example";

#[tokio::test]
async fn the_api_works_over_tls() {
    let site = Site::start(public(), |block| block).await;
    let session = site.post("/code-sessions", PAGE, &json!({"source_code": "print(input())"})).await.expect(201);
    let path = format!("/code-sessions/{}", session["session_id"].as_str().unwrap());
    let saved = json!({"source_code": "import time\nprint(input(), flush=True)\ntime.sleep(2)"});
    let own = [("origin", PAGE)];
    assert_eq!(site.ask(&Method::PATCH, &path, &own, Some(&saved)).await.expect(200)["version"], 2);
    let accepted = site.post(&format!("{path}/run"), PAGE, &json!({"stdin": "over TLS\n"})).await.expect(202);
    let execution = format!("/executions/{}?wait_ms=60000", accepted["execution_id"].as_str().unwrap());
    let ended = site.get(&execution).await.expect(200);
    assert_eq!((&ended["status"], &ended["stdout"]), (&"COMPLETED".into(), &"over TLS\n".into()));
    // nginx takes bodies of 1 MiB by itself.
    let most = json!({"language": "python", "files": [{"name": "main.py", "content": "print(1)"},
        {"name": "data.bin", "content": "A".repeat(1_300_000), "encoding": "base64"}]});
    assert_eq!(site.post("/executions?wait_ms=20000", PAGE, &most).await.expect(200)["stdout"], "1\n");
}

#[tokio::test]
async fn the_longest_poll_is_not_cut() {
    // nginx by itself gives up after just as long as the longest poll takes.
    let site = Site::start(public().arg("--max-limits=wall_time_ms=90000"), |block| block).await;
    let sleeping = json!({"language": "python", "source_code": "import time\ntime.sleep(80)",
        "limits": {"wall_time_ms": 90_000}});
    let accepted = site.post("/executions?wait_ms=60000", PAGE, &sleeping).await.expect(202);
    site.app.client.delete(&format!("/executions/{}", accepted["execution_id"].as_str().unwrap())).await.expect(202);
}

#[tokio::test]
async fn outside_there_are_no_lists_and_no_operations() {
    let plain = |block: String| {
        block.lines().filter(|line| !line.contains("set_header") && !line.contains("http_version")).collect::<String>()
    };
    for (launch, change) in [
        (public(), None),
        // As somebody would write it who has not read the documentation.
        (Launch::default(), Some(plain as fn(String) -> String)),
        (public(), Some(plain)),
    ] {
        let site = Site::start(launch, change.unwrap_or(|block| block)).await;
        site.get("/code-sessions").await.expect_problem("list_refused");
        site.get("/api/code-sessions").await.expect_problem("list_refused");
        for path in ["/dead-letters", "/workers", "/api/workers", "/metrics"] {
            site.get(path).await.expect_problem("operations_refused");
        }
        assert_eq!(site.get("/readyz").await.status, 200);
        assert_eq!(site.get("/languages").await.status, 200);
    }
}

#[tokio::test]
async fn pages_write_if_they_are_the_own_or_allowed() {
    let site = Site::start(public(), |block| block).await;
    let body = json!({"language": "python"});
    for origin in [PAGE, "https://lms.example"] {
        assert_eq!(site.post("/code-sessions", origin, &body).await.status, 201, "{origin}");
    }
    for origin in ["https://evil.example", "http://code.example:8080", "null", "http://localhost:3000"] {
        let refused = site.post("/code-sessions", origin, &body).await;
        refused.expect_problem("foreign_origin");
        assert!(refused.body.contains("--allowed-origins"), "{refused:?}");
        assert!(!refused.headers.contains("access-control-allow-origin"), "{refused:?}");
    }
    let preflight = [
        ("origin", "https://lms.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,idempotency-key"),
    ];
    let answer = site.ask(&Method::OPTIONS, "/code-sessions", &preflight, None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for header in [
        "access-control-allow-origin: https://lms.example",
        "access-control-allow-credentials: true",
        "idempotency-key",
    ] {
        assert!(answer.headers.contains(header), "no {header} in {answer:?}");
    }
}

#[tokio::test]
async fn errors_without_the_setting_name_it() {
    let site = Site::start(Launch::default(), |block| block).await;
    let refused = site.get("/languages").await;
    refused.expect_problem("foreign_host");
    assert!(refused.body.contains("--public-url"), "{refused:?}");
    let plain = |block: String| block.lines().filter(|line| !line.contains("set_header")).collect();
    let site = Site::start(Launch::default(), plain).await;
    let refused = site.post("/code-sessions", PAGE, &json!({})).await;
    refused.expect_problem("foreign_origin");
    assert!(refused.body.contains("--public-url"), "{refused:?}");
}
