//! The native routes; the modules mirror the tree of URLs.

mod code_sessions;
mod dead_letters;
pub(crate) mod executions;
mod healthz;
mod languages;
mod metrics;
mod openapi;
mod readyz;
mod root;
mod workers;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Api;
use crate::tables::Tables;

/// Returns the routes of a process that accepts executions.
pub(crate) fn routes() -> Tables<Api> {
    let tenant = OpenApiRouter::new()
        .routes(routes!(code_sessions::create::create_session, code_sessions::list::list_sessions))
        .routes(routes!(
            code_sessions::read::read_session,
            code_sessions::save::save_session,
            code_sessions::close::close_session
        ))
        .routes(routes!(code_sessions::run::run_session))
        .routes(routes!(code_sessions::check::check_session))
        .routes(routes!(code_sessions::executions::list_executions_of_session))
        .routes(routes!(executions::read_many::read_executions, executions::create::create_execution))
        .routes(routes!(executions::batch::create_executions))
        .routes(routes!(executions::read::read_execution, executions::cancel::cancel_execution))
        .routes(routes!(executions::events::watch_execution))
        .routes(routes!(executions::join::join_execution))
        .routes(routes!(languages::list_languages));
    let operator = OpenApiRouter::new()
        .routes(routes!(workers::list_workers))
        .routes(routes!(dead_letters::list::list_dead_letters))
        .routes(routes!(dead_letters::requeue::requeue_dead_letter))
        .routes(routes!(dead_letters::forget::forget_dead_letter));
    Tables { open: OpenApiRouter::new(), tenant, operator }
}

/// Returns the routes of every process that listens at all.
pub(crate) fn operations() -> Tables<Api> {
    let open = OpenApiRouter::new()
        .routes(routes!(root::root))
        .routes(routes!(healthz::healthz))
        .routes(routes!(healthz::health))
        .routes(routes!(readyz::readyz))
        .routes(routes!(openapi::openapi))
        .routes(routes!(metrics::metrics));
    Tables { open, ..Tables::empty() }
}
