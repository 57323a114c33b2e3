//! The HTTP edge: routes, problems, OpenAPI.
