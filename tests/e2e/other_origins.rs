//! Pages of other origins that the operator allows (CORS), and what browsers are told about all others.

use reqwest::Method;
use runbay_testkit::Answer;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;

async fn from(app: &TestApp, method: Method, path: &str, origin: &str) -> Answer {
    app.client.send(app.client.request(method, path).header("origin", origin)).await
}

async fn preflight(app: &TestApp, origin: &str, method: &str) -> Answer {
    let request = app.client.request(Method::OPTIONS, "/code-sessions").header("origin", origin);
    app.client.send(request.header("access-control-request-method", method)).await
}

#[tokio::test]
async fn an_allowed_page_reads_answers_and_refusals() {
    let app = Launch::default().arg("--allowed-origins=http://localhost:3000,https://lms.example").start().await;
    for origin in ["http://localhost:3000", "https://lms.example"] {
        for (method, path, status) in [
            (Method::POST, "/code-sessions", 201),
            (Method::GET, "/languages", 200),
            (Method::GET, "/nothing", 404),
            (Method::PUT, "/languages", 405),
            (Method::POST, "/executions/batch", 400),
            (Method::GET, "/executions/1", 400),
        ] {
            let answer = from(&app, method, path, origin).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text);
            assert_eq!(answer.header("access-control-allow-origin"), origin, "{path}");
            assert!(answer.header("access-control-expose-headers").contains("location"), "{path}");
            assert!(answer.header("vary").contains("origin"), "{path}");
        }
        for method in ["POST", "PATCH", "DELETE"] {
            let answer = preflight(&app, origin, method).await;
            assert_eq!(answer.status, 200);
            assert!(answer.header("access-control-allow-methods").contains(method), "{answer:?}");
        }
    }
    // Its own page goes on as before.
    let own = format!("http://{}", app.client.address());
    assert_eq!(from(&app, Method::POST, "/code-sessions", &own).await.status, 201);
    from(&app, Method::POST, "/code-sessions", "http://localhost:3001").await.expect_problem(403, "foreign_origin");
    let refused = preflight(&app, "https://evil.example", "POST").await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_star_lets_in_all_pages_without_their_logins() {
    let app = Launch::default().env("RUNBAY_ALLOWED_ORIGINS", "*").start().await;
    for origin in ["https://anywhere.example", "null"] {
        let answer = from(&app, Method::POST, "/code-sessions", origin).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
}
