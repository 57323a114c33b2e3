//! The HTTP edge: routes, problem documents, OpenAPI, the server loop.
//!
//! It turns requests into calls of the engine, and the engine's answers into JSON. It decides nothing about sessions or
//! executions, opens no database and runs no code; the process hands in all that it needs as [`ApiParts`].

mod admission;
mod auth;
mod client_address;
mod clients;
mod connections;
mod declared;
mod document;
mod exposure;
mod extract;
mod face;
mod fields;
mod idempotency;
mod metrics;
mod observe;
mod page;
mod problem;
mod request_id;
mod router;
mod routes;
mod schema;
mod server;
mod state;
mod tables;
mod write_deadline;

#[cfg(test)]
mod test_api;

pub use auth::Authenticator;
pub use auth::Everybody;
pub use auth::Principal;
pub use auth::Role;
pub use clients::AddressRange;
pub use clients::Clients;
pub use clients::InvalidRange;
pub use document::document;
pub use exposure::AllowedOrigins;
pub use exposure::Audience;
pub use exposure::Exposure;
pub use exposure::OriginError;
pub use exposure::Reach;
pub use exposure::WebOrigin;
pub use metrics::build_recorder;
pub use router::router;
pub use server::serve;
pub use state::Api;
pub use state::ApiParts;
pub use state::NotReady;
pub use state::Readiness;
pub use state::Scope;
