//! Paths and methods that do not exist.

use reqwest::Method;
use runbay_testkit::TestApp;
use serde_json::Value;

use super::watched::Watched;
use super::watched::assert_refused;

const ID: &str = "0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b";

/// Returns every path template of the interface with its methods.
async fn templates(app: &TestApp) -> Vec<(String, Vec<Method>)> {
    let document = app.client.get("/openapi.json").await.expect(200);
    let methods = |item: &Value| {
        let names = item
            .as_object()
            .expect("a path has methods")
            .keys()
            .filter_map(|name| name.to_ascii_uppercase().parse().ok());
        names.filter(|method: &Method| ALL.contains(method)).collect()
    };
    let paths = document["paths"].as_object().expect("there are paths");
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

const ALL: [Method; 7] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE];

/// Puts an id where a template has a parameter.
fn filled(template: &str, id: &str) -> String {
    template.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let mut watched = Watched::start().await;
    for (template, methods) in templates(&watched.app).await {
        for prefix in ["", "/api"] {
            let path = format!("{prefix}{}", filled(&template, ID));
            // What is at the start of a prefix is at the prefix itself.
            let path = if path == "/api/" { "/api".to_owned() } else { path };
            let invented = Method::from_bytes(b"BREW").unwrap();
            for method in ALL.into_iter().chain([invented]).filter(|method| !methods.contains(method)) {
                println!("{method} {path}");
                let answer = watched.send(method, &path, "{}").await;
                assert_refused(&answer, 405, "method_not_allowed", None);
                let mut allowed: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
                allowed.retain(|name| *name != "HEAD");
                allowed.sort_unstable();
                let mut expected: Vec<&str> = methods.iter().map(Method::as_str).collect();
                expected.sort_unstable();
                assert_eq!(allowed, expected, "{path}");
            }
        }
    }
    watched.assert_untouched().await;
}

#[tokio::test]
async fn a_bad_id_is_refused_on_every_path() {
    let mut watched = Watched::start().await;
    let long = "a".repeat(20_000);
    let ids = [
        "42",
        "0b6d3f1e8c1a4f5e9d572f4a6f0f8f3b",
        "0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3",
        "g".repeat(36).leak(),
        "0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b0",
        "{0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b}",
        "%ff",
        "%00",
        "%20",
        "%2e%2e%2fetc",
        "%F0%9F%A6%80",
        "0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3%00",
        &long,
        "urn:uuid:0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b",
        "'%20OR%20'1'='1",
    ];
    let mut tried = 0;
    for (template, methods) in templates(&watched.app).await {
        let Some((_, rest)) = template.split_once('{') else { continue };
        let name = rest.split('}').next().unwrap();
        for method in methods {
            for id in ids {
                println!("{method} {template} {id:.60}");
                let answer = watched.send(method.clone(), &filled(&template, id), "").await;
                assert_refused(&answer, 400, "invalid_id", Some(&format!("{name}: ")));
                tried += 1;
            }
        }
    }
    assert!(tried >= 6 * ids.len(), "{tried}");
    watched.assert_untouched().await;
}

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let mut watched = Watched::start().await;
    for path in [
        "/code-session",
        "/code-sessions/",
        "//code-sessions",
        "/Code-Sessions",
        "/api/api/languages",
        "/api/",
        "/apI",
        "/code-sessions/%2e%2e%2flanguages/run/",
        "/executions/",
        "/%00",
        "/%ff",
        "/languages/python",
        "/index.php",
        "/.git/config",
        "/code-sessions%2f",
        "/languages;x=1",
        "/*",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = watched.send(method, path, "{}").await;
            println!("{path} {}", answer.text);
            assert_refused(&answer, 404, "route_not_found", None);
        }
    }
    let long = format!("/{}", "a/".repeat(20_000));
    assert_refused(&watched.app.client.get(&long).await, 404, "route_not_found", None);
    watched.assert_untouched().await;
}
