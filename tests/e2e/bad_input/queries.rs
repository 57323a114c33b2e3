//! Query parameters that do not fit.

use reqwest::Method;

use super::watched::Watched;
use super::watched::assert_refused;

const UNKNOWN: &str = "/executions/019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f";

const WRONG: &[&str] = &[
    "wait_ms=60001",
    "wait_ms=-1",
    "wait_ms=soon",
    "wait_ms=",
    "wait_ms",
    "wait_ms=1.5",
    "wait_ms=1e3",
    "wait_ms=0x10",
    "wait_ms=%31%20",
    "wait_ms=%ff",
    "wait_ms=18446744073709551616",
    "wait_ms=99999999999999999999999999999999",
    "wait_ms[]=1",
    "encoding=hex",
    "encoding=",
    "encoding=BASE64",
    "encoding=base64%00",
    "include=everything",
    "include=",
    "include=Source",
    "include=source,source",
];

const TWICE: &[&str] = &["wait_ms=1&wait_ms=1", "encoding=text&encoding=base64", "include=source&include=source"];

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let mut watched = Watched::start().await;
    let routes = [(Method::GET, UNKNOWN.to_owned()), (Method::POST, format!("{}/run", watched.session))];
    for (method, path) in routes {
        for query in WRONG {
            // A name that is none of the route's is ignored.
            if query.starts_with("wait_ms[]") {
                continue;
            }
            println!("{method} {path}?{query}");
            let answer = watched.send(method.clone(), &format!("{path}?{query}"), "").await;
            let name = query.split('=').next().unwrap();
            assert_refused(&answer, 400, "invalid_query", Some(&format!("{name}: ")));
        }
        for query in TWICE {
            println!("{method} {path}?{query}");
            let answer = watched.send(method.clone(), &format!("{path}?{query}"), "").await;
            let name = query.split('=').next().unwrap();
            let detail = answer.expect_problem(400, "invalid_query")["details"][0].as_str().unwrap().to_owned();
            assert!(detail.contains(&format!("duplicate field `{name}`")), "{detail}");
        }
        let long = format!("{path}?encoding={}", "a".repeat(30_000));
        assert_refused(&watched.send(method, &long, "").await, 400, "invalid_query", Some("encoding: "));
    }
    watched.assert_untouched().await;
}

#[tokio::test]
async fn an_unknown_parameter_is_ignored() {
    let mut watched = Watched::start().await;
    for query in ["", "trace=1", "=", "&&", "%ff=%ff", "wait_ms[]=x", "wait_ms=1&utm_source=x", "a=1&a=2"] {
        let answer = watched.app.client.get(&format!("{UNKNOWN}?{query}")).await;
        assert_refused(&answer, 404, "execution_not_found", None);
        assert_eq!(watched.app.client.get(&format!("{}?{query}", watched.session)).await.status, 200);
    }
    watched.assert_untouched().await;
}
