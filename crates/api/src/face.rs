//! The faces of the service: each has paths and a form of error answers of its own.
//!
//! The face of a request is known from its path alone, before any route is looked for. So every answer is written by
//! the face that the request came in by: that of a route, of a layer, of an unknown path and of a panic.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;

use crate::problem;
use crate::problem::Problem;
use crate::request_id::RequestId;

/// An interface of the service.
#[derive(Debug)]
pub(crate) struct Face {
    /// The beginning of all its paths, such as `/api`; empty for the face that has all paths that no other face has.
    pub(crate) prefix: &'static str,
    /// Whether executions have `executionTime` beside `execution_time_ms`.
    pub(crate) has_execution_time: bool,
    /// Writes the answer to a request that was refused or failed.
    ///
    /// The headers `Allow`, `Retry-After` and `WWW-Authenticate` are there already where they belong.
    pub(crate) write_error: fn(Problem, &RequestId) -> Response,
}

/// The face of the service itself.
pub(crate) static NATIVE: Face = Face { prefix: "", has_execution_time: false, write_error: problem::answer };

/// The same routes for clients of the reference systems.
pub(crate) static API: Face = Face { prefix: "/api", has_execution_time: true, write_error: problem::answer };

impl Face {
    /// Writes an answer that is a problem in the form of this face; other answers pass.
    pub(crate) fn render(&self, mut response: Response, request: &RequestId) -> Response {
        let Some(problem) = response.extensions_mut().remove::<Problem>() else {
            return response;
        };
        problem.log();
        let (head, body) = (self.write_error)(problem, request).into_parts();
        *response.status_mut() = head.status;
        response.headers_mut().extend(head.headers);
        *response.body_mut() = body;
        response
    }

    /// Returns whether this face answers requests for `path`.
    fn has(&self, path: &str) -> bool {
        path.strip_prefix(self.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl<S: Sync> FromRequestParts<S> for &'static Face {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        // Only a route without the layers around it, in a test of its own, is asked without a face.
        Ok(parts.extensions.get().copied().unwrap_or(&NATIVE))
    }
}

/// The faces of a server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faces(Vec<&'static Face>);

impl Faces {
    /// Adds a face.
    pub(crate) fn add(&mut self, face: &'static Face) {
        self.0.push(face);
    }

    /// Returns the face that answers requests for `path`: the one with the longest prefix, else the native one.
    pub(crate) fn of(&self, path: &str) -> &'static Face {
        let faces = self.0.iter().copied().filter(|face| face.has(path));
        faces.max_by_key(|face| face.prefix.len()).unwrap_or(&NATIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static OTHER: Face = Face { prefix: "/api/v2", has_execution_time: false, write_error: problem::answer };

    #[test]
    fn the_longest_prefix_decides() {
        let mut faces = Faces::default();
        for face in [&API, &NATIVE, &OTHER] {
            faces.add(face);
        }
        for (path, prefix) in [
            ("/", ""),
            ("*", ""),
            ("", ""),
            ("/executions", ""),
            ("/apiary", ""),
            ("/%61pi/executions", ""),
            ("/api", "/api"),
            ("/api/", "/api"),
            ("/api/executions", "/api"),
            ("/api/v20/piston", "/api"),
            ("/api/v2", "/api/v2"),
            ("/api/v2/piston/execute", "/api/v2"),
        ] {
            assert_eq!(faces.of(path).prefix, prefix, "{path}");
        }
        assert_eq!(Faces::default().of("/api").prefix, "");
    }
}
