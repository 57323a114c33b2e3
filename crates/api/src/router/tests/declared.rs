//! What no route takes, on every route that there is.

use axum::http::Method;
use runbay_store::Store;
use utoipa::openapi::path::ParameterIn;

use super::*;
use crate::document::document as openapi;
use crate::test_api::api_parts;

async fn ask(router: &Router, method: &Method, path: &str, key: Option<&str>) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// Returns the method and path of each documented operation, with an id where the path has one, and whether it has
/// a parameter of this kind and name.
fn operations(kind: &ParameterIn, name: &str) -> Vec<(Method, String, bool)> {
    let mut found = Vec::new();
    for (path, item) in openapi().paths.paths {
        let operations = [
            (Method::GET, item.get),
            (Method::POST, item.post),
            (Method::PATCH, item.patch),
            (Method::DELETE, item.delete),
        ];
        let id = "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f";
        let path = path.replace("{session_id}", id).replace("{execution_id}", id);
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            let mut parameters = operation.parameters.into_iter().flatten();
            let has = parameters.any(|parameter| match parameter {
                utoipa::openapi::RefOr::T(parameter) => parameter.parameter_in == *kind && parameter.name == name,
                utoipa::openapi::RefOr::Ref(_) => false,
            });
            found.push((method, path.clone(), has));
        }
    }
    found
}

/// Returns a path under a prefix, which has the start at the prefix itself.
fn under(prefix: &str, path: &str) -> String {
    match path {
        "/" if !prefix.is_empty() => prefix.to_owned(),
        path => format!("{prefix}{path}"),
    }
}

async fn real() -> (Router, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(directory.path()).await.unwrap();
    (router(Api::new(api_parts(store))), directory)
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_by_every_route() {
    let (router, _directory) = real().await;
    let operations = operations(&ParameterIn::Query, "wait_ms");
    assert!(operations.len() >= 16, "{operations:?}");
    for (method, path, has_wait) in operations {
        for prefix in ["", "/api"] {
            let (status, problem) = ask(&router, &method, &format!("{}?wait=true", under(prefix, &path)), None).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{method} {path}: {problem:#}");
            assert_eq!(problem["code"], "invalid_query", "{method} {path}");
            assert_eq!(problem["errors"][0]["field"], "wait", "{method} {path}");
            let message = problem["errors"][0]["message"].as_str().unwrap();
            assert_eq!(
                message == "is no parameter here; did you mean wait_ms?",
                has_wait,
                "{method} {path}: {message}"
            );
        }
    }
}

#[tokio::test]
async fn a_key_is_refused_where_it_would_change_nothing() {
    let (router, _directory) = real().await;
    for (method, path, takes_key) in operations(&ParameterIn::Header, "Idempotency-Key") {
        let (_, problem) = ask(&router, &method, &path, Some("k")).await;
        let refused = problem["errors"][0]["field"] == "idempotency-key";
        assert_eq!(refused, !takes_key && method != Method::GET, "{method} {path}: {problem:#}");
    }
}

#[tokio::test]
async fn every_strange_parameter_is_named_once() {
    let (router, _directory) = real().await;
    let (_, problem) = ask(&router, &Method::GET, "/languages?a=1&a=2&%62=&=&c", None).await;
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["field"].clone()).collect();
    assert_eq!(fields, ["a", "b", "", "c"]);
    assert_eq!(problem["errors"][0]["message"], "is no parameter here; there are none");
    let many: Vec<_> = (0..1_000).map(|number| format!("p{number}=")).collect();
    let (_, problem) = ask(&router, &Method::GET, &format!("/languages?{}", many.join("&")), None).await;
    assert_eq!(problem["errors"].as_array().unwrap().len(), 8);
    for path in ["/languages?", "/languages?&&", "/languages"] {
        assert_eq!(ask(&router, &Method::GET, path, None).await.0, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_stays_one() {
    let (router, _directory) = real().await;
    let (status, problem) = ask(&router, &Method::PUT, "/languages?x=1", Some("k")).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{problem:#}");
}
