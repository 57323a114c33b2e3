//! Who is let in by which table, over all real routes.

use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use axum::http::header::WWW_AUTHENTICATE;
use runbay_model::TenantId;
use runbay_store::Store;

use super::*;
use crate::auth::Principal;
use crate::auth::Role;
use crate::exposure::Reach;
use crate::test_api::api_parts;

/// Knows two keys and one for everything.
struct Keys;

impl Authenticator for Keys {
    fn principal(&self, _from: Reach, headers: &HeaderMap) -> Option<Principal> {
        let role = match headers.get(AUTHORIZATION)?.to_str().ok()? {
            "Bearer tenant" => Role::Tenant,
            "Bearer operator" => Role::Operator,
            "Bearer both" => Role::Both,
            _ => return None,
        };
        Some(Principal { tenant: TenantId::new("acme"), role, is_known: true })
    }
}

/// Returns method and path of each route in one table, with an id in place of each parameter.
fn requests(table: fn(Tables<Api>) -> OpenApiRouter<Api>) -> Vec<(Method, String)> {
    let mut requests = Vec::new();
    for document in [table(routes()).into_openapi(), table(operations()).into_openapi()] {
        for (path, item) in document.paths.paths {
            let path = path.replace("{session_id}", ID).replace("{execution_id}", ID);
            for (method, operation) in [
                (Method::GET, item.get),
                (Method::POST, item.post),
                (Method::PATCH, item.patch),
                (Method::DELETE, item.delete),
            ] {
                requests.extend(operation.map(|_| (method, path.clone())));
            }
        }
    }
    requests
}

const ID: &str = "019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f";

/// Asks with a key and returns the code of the refusal by the table, if it refused.
async fn refusal(router: &Router, key: Option<&str>, method: &Method, path: &str) -> Option<String> {
    let request = Request::builder().method(method).uri(path);
    let request = key.iter().fold(request, |request, key| request.header(AUTHORIZATION, format!("Bearer {key}")));
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    if status != 401 && status != 403 {
        return None;
    }
    assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), status == 401);
    Some(document(response).await["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn each_table_lets_in_whom_it_is_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut parts = api_parts(Store::open_sqlite(directory.path()).await.unwrap());
    parts.authenticator = Arc::new(Keys);
    let router = router(Api::new(parts));
    let mut asked = 0;
    for (table, of_tenant, of_operator) in [
        ((|tables| tables.open) as fn(Tables<Api>) -> OpenApiRouter<Api>, None, None),
        (|tables| tables.tenant, None, Some("forbidden")),
        (|tables| tables.operator, Some("forbidden"), None),
    ] {
        let is_open = of_tenant.or(of_operator).is_none();
        for (method, path) in requests(table) {
            for prefix in ["", "/api"] {
                let path = format!("{prefix}{path}");
                let ask = async |key| refusal(&router, key, &method, &path).await;
                let nobody = if is_open { None } else { Some("unauthenticated") };
                assert_eq!(ask(None).await.as_deref(), nobody, "{method} {path}");
                assert_eq!(ask(Some("stolen")).await.as_deref(), nobody, "{method} {path}");
                assert_eq!(ask(Some("tenant")).await.as_deref(), of_tenant, "{method} {path}");
                assert_eq!(ask(Some("operator")).await.as_deref(), of_operator, "{method} {path}");
                assert_eq!(ask(Some("both")).await, None, "{method} {path}");
                asked += 1;
            }
        }
    }
    assert!(asked >= 40, "only {asked} routes were found");
}

#[tokio::test]
async fn without_keys_everybody_is_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let router = router(Api::new(api_parts(Store::open_sqlite(directory.path()).await.unwrap())));
    for (method, path) in requests(Tables::merged) {
        assert_eq!(refusal(&router, None, &method, &path).await, None, "{method} {path}");
    }
}

#[tokio::test]
async fn a_route_of_the_open_table_has_no_principal() {
    let routes = OpenApiRouter::new().route("/mine", get(async |principal: Principal| principal.tenant.to_string()));
    let router = serving(OpenApiRouter::new(), routes, Admission::new(TIME, Bounds::of(64), Arc::default()));
    let response = router.oneshot(Request::get("/mine").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(document(response).await["code"], "internal_error");
}
