//! The router: the routes of every face, and the layers around them.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::response::Response;
use tower_http::catch_panic::CatchPanicLayer;

use crate::admission::Admission;
use crate::admission::Bounds;
use crate::admission::limit;
use crate::auth::Authenticator;
use crate::document::document;
use crate::exposure::Exposure;
use crate::exposure::cors;
use crate::exposure::guard;
use crate::face::API;
use crate::face::Face;
use crate::face::Faces;
use crate::face::NATIVE;
use crate::observe::observe;
use crate::problem::Code;
use crate::problem::Problem;
use crate::routes::operations;
use crate::routes::routes;
use crate::state::Api;
use crate::state::Scope;
use crate::tables::Tables;

/// Puts the router together.
pub fn router(api: Api) -> Router {
    let document = document().to_json().expect("a document made of plain strings and numbers is JSON");
    let api = api.with_document(document);
    let served = [&NATIVE, &API].map(|face| Served {
        face,
        operations: operations(),
        routes: match api.scope() {
            Scope::Everything => routes(),
            Scope::Operations => Tables::empty(),
        },
    });
    let layers = Layers {
        authenticator: Arc::clone(api.authenticator()),
        admission: Admission::new(api.request_time(), Bounds::of(api.max_connections()), Arc::clone(api.clients())),
        exposure: Arc::clone(api.exposure()),
    };
    layers.around(served).with_state(api)
}

/// The routes of one face.
struct Served<S> {
    face: &'static Face,
    /// The routes that are answered however many requests are at work.
    operations: Tables<S>,
    /// All other routes, which are refused when too many requests are at work.
    routes: Tables<S>,
}

/// What the layers around the routes need.
struct Layers {
    authenticator: Arc<dyn Authenticator>,
    admission: Admission,
    exposure: Arc<Exposure>,
}

impl Layers {
    /// Puts the faces together; the last layer is the outermost and sees the answers of all others.
    fn around<S: Clone + Send + Sync + 'static>(self, served: impl IntoIterator<Item = Served<S>>) -> Router<S> {
        let unlimited = self.admission.unlimited();
        let mut faces = Faces::default();
        let mut router = Router::new();
        for Served { face, operations, routes } in served {
            faces.add(face);
            let operations = operations.guarded(&self.authenticator);
            let operations = operations.layer(from_fn_with_state(unlimited.clone(), limit));
            let routes = routes.guarded(&self.authenticator);
            let routes = routes.layer(from_fn_with_state(self.admission.clone(), limit));
            router = at(face.prefix, router, operations.merge(routes));
        }
        // Pages of allowed origins read refusals as well, so these pass the layer that tells browsers of it.
        let cors = cors(&self.exposure);
        let router = router
            .fallback(route_not_found)
            .method_not_allowed_fallback(method_not_allowed)
            .layer(CatchPanicLayer::custom(after_panic))
            .layer(from_fn_with_state(self.exposure, guard));
        let router = match cors {
            Some(cors) => router.layer(cors),
            None => router,
        };
        router.layer(from_fn_with_state(faces, observe))
    }
}

/// Adds routes under a prefix, which `nest` does not take when it is empty.
fn at<S: Clone + Send + Sync + 'static>(prefix: &str, router: Router<S>, routes: Router<S>) -> Router<S> {
    if prefix.is_empty() { router.merge(routes) } else { router.nest(prefix, routes) }
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
