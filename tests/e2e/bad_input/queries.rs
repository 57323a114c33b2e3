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
            println!("{method} {path}?{query}");
            let answer = watched.send(method.clone(), &format!("{path}?{query}"), "").await;
            let name = query.split('=').next().unwrap();
            assert_refused(&answer, 400, "invalid_query", Some(&format!("{name}: ")));
        }
        for query in TWICE {
            println!("{method} {path}?{query}");
            let answer = watched.send(method.clone(), &format!("{path}?{query}"), "").await;
            let name = query.split('=').next().unwrap();
            assert_refused(&answer, 400, "invalid_query", Some(&format!("{name}: must be there once")));
        }
        let long = format!("{path}?encoding={}", "a".repeat(30_000));
        assert_refused(&watched.send(method, &long, "").await, 400, "invalid_query", Some("encoding: "));
    }
    watched.assert_untouched().await;
}

#[tokio::test]
async fn an_unknown_parameter_is_refused() {
    let mut watched = Watched::start().await;
    for (query, name) in [
        ("trace=1", "trace"),
        ("=", ""),
        ("%ff=%ff", "\u{fffd}"),
        ("wait_ms[]=x", "wait_ms[]"),
        ("utm_source=x", "utm_source"),
        ("a=1&a=2", "a"),
        ("wait=true", "wait"),
        ("WAIT_MS=1", "WAIT_MS"),
    ] {
        println!("{query}");
        let detail = format!("{name}: is no parameter here; ");
        for path in [UNKNOWN, &watched.session, "/languages", "/healthz", "/api/languages"] {
            let answer = watched.app.client.get(&format!("{path}?{query}")).await;
            assert_refused(&answer, 400, "invalid_query", Some(&detail));
        }
        let run = format!("{}/run?{query}", watched.session);
        assert_refused(&watched.send(Method::POST, &run, "").await, 400, "invalid_query", Some(&detail));
    }
    for query in ["", "&&"] {
        let answer = watched.app.client.get(&format!("{UNKNOWN}?{query}")).await;
        assert_refused(&answer, 404, "execution_not_found", None);
    }
    watched.assert_untouched().await;
}
