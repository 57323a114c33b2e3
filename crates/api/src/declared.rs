//! Refuses what a route would ignore: query parameters and idempotency keys that are none of its own.
//!
//! What a route takes is read from its documentation, so no route can forget to say it, and none takes more than the
//! OpenAPI document tells.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::MatchedPath;
use axum::extract::Request;
use axum::extract::State;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use utoipa::openapi::OpenApi;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Operation;
use utoipa::openapi::path::ParameterIn;

use crate::extract::pairs;
use crate::extract::unknown;
use crate::face::Face;
use crate::face::NATIVE;
use crate::idempotency;
use crate::problem::Code;
use crate::problem::Problem;

/// The most parameters that one answer names.
const MOST_NAMED: usize = 8;

/// What each route of a table takes, by path and method.
#[derive(Clone)]
pub(crate) struct Declared(Arc<HashMap<String, HashMap<Method, Taken>>>);

/// What an operation takes beside its path and body.
#[derive(Default)]
struct Taken {
    query: Vec<String>,
    key: bool,
}

impl Declared {
    /// Reads what the documented routes take.
    pub(crate) fn by(document: &OpenApi) -> Self {
        let paths = document.paths.paths.iter().map(|(path, item)| {
            let operations = [
                (Method::GET, &item.get),
                (Method::HEAD, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            let taken =
                operations.into_iter().filter_map(|(method, operation)| Some((method, Taken::by(operation.as_ref()?))));
            (path.clone(), taken.collect())
        });
        Self(Arc::new(paths.collect()))
    }

    /// Refuses a request that brings along what its route does not take.
    fn check(&self, request: &Request) -> Result<(), Problem> {
        let Some(path) = request.extensions().get::<MatchedPath>() else {
            return Ok(());
        };
        let face = request.extensions().get::<&'static Face>().copied().unwrap_or(&NATIVE);
        let path = path.as_str().strip_prefix(face.prefix).unwrap_or_default();
        match self.0.get(path).map(|methods| methods.get(request.method())) {
            Some(Some(taken)) => taken.check(request),
            // The answer says which methods the path has.
            Some(None) => Ok(()),
            None => Taken::default().check(request),
        }
    }
}

impl Taken {
    fn by(operation: &Operation) -> Self {
        let mut taken = Self::default();
        for parameter in operation.parameters.iter().flatten() {
            let RefOr::T(parameter) = parameter else { continue };
            match parameter.parameter_in {
                ParameterIn::Query => taken.query.push(parameter.name.clone()),
                ParameterIn::Header => taken.key |= parameter.name.eq_ignore_ascii_case(idempotency::HEADER),
                ParameterIn::Path | ParameterIn::Cookie | ParameterIn::QueryString => {}
            }
        }
        taken
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        // To read twice has no effect that a key could prevent.
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
        if changes && !self.key && request.headers().contains_key(idempotency::HEADER) {
            let message = "is not taken here; leave it out";
            return Err(Problem::new(Code::InvalidHeader).field(idempotency::HEADER, message));
        }
        let known: Vec<&str> = self.query.iter().map(String::as_str).collect();
        let mut strange: Vec<String> = pairs(request.uri()).into_iter().map(|(name, _)| name).collect();
        strange.retain(|name| !known.contains(&name.as_str()));
        if strange.is_empty() {
            return Ok(());
        }
        strange.dedup();
        let problem = Problem::new(Code::InvalidQuery);
        Err(strange
            .iter()
            .take(MOST_NAMED)
            .fold(problem, |problem, name| problem.field(name, unknown("parameter", name, &known))))
    }
}

/// The layer around the routes of a table.
pub(crate) async fn refuse_undeclared(State(declared): State<Declared>, request: Request, next: Next) -> Response {
    match declared.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
