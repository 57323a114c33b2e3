//! The router: every route at both prefixes, and the layers around them.

use std::any::Any;

use axum::Extension;
use axum::Router;
use axum::middleware::from_fn;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;

use crate::admission::Admission;
use crate::admission::limit;
use crate::exposure::Exposure;
use crate::exposure::refuse_foreign_pages;
use crate::metrics;
use crate::observe::observe;
use crate::prefix::Prefix;
use crate::problem::Code;
use crate::problem::Problem;
use crate::routes::operations;
use crate::routes::routes;
use crate::state::Api;
use crate::state::Scope;

/// Puts the router together.
///
/// The recorder must be installed before, because the metrics are described here.
pub fn router(api: Api) -> Router {
    metrics::describe();
    runbay_engine::describe_metrics();
    let routes = match api.scope() {
        Scope::Everything => Router::from(routes()),
        Scope::Operations => Router::new(),
    };
    let routes =
        limited(at_both_prefixes(operations().into()), at_both_prefixes(routes), Admission::new(api.request_time()));
    let exposure = api.exposure();
    surround(routes.with_state(api), exposure)
}

/// Puts routes together; only those of operators are answered whatever is at work.
fn limited<S: Clone + Send + Sync + 'static>(
    operations: Router<S>,
    others: Router<S>,
    admission: Admission,
) -> Router<S> {
    let open = from_fn_with_state(admission.open(), limit);
    operations.layer(open).merge(others.layer(from_fn_with_state(admission, limit)))
}

fn at_both_prefixes(routes: Router<Api>) -> Router<Api> {
    Router::new()
        .merge(routes.clone().layer(Extension(Prefix::Root)))
        .nest(Prefix::Api.as_str(), routes.layer(Extension(Prefix::Api)))
}

/// Adds what every request passes; the last layer is the outermost and sees the answers of all others.
fn surround(router: Router, exposure: Exposure) -> Router {
    router
        .fallback(route_not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(from_fn_with_state(exposure, refuse_foreign_pages))
        .layer(from_fn(observe))
}

async fn route_not_found() -> Problem {
    Problem::new(Code::RouteNotFound)
}

async fn method_not_allowed() -> Problem {
    Problem::new(Code::MethodNotAllowed).detail("The header Allow names the methods that this path has.")
}

/// The panic hook has written where it happened; the id of the request ties the two together.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands over the box")]
fn after_panic(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
    Problem::new(Code::InternalError).cause(format_args!("panic: {}", text.unwrap_or("no text"))).into_response()
}

#[cfg(test)]
mod tests;
