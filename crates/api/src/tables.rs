//! Routes by who may ask for them.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::Authenticator;
use crate::auth::require_operator;
use crate::auth::require_tenant;
use crate::declared::Declared;
use crate::declared::refuse_undeclared;

/// The tables of a face; every route stands in one of them.
pub(crate) struct Tables<S> {
    /// For everybody who reaches the server.
    pub(crate) open: OpenApiRouter<S>,
    /// For tenants, who see what is theirs.
    pub(crate) tenant: OpenApiRouter<S>,
    /// For those who keep the service up.
    pub(crate) operator: OpenApiRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> Tables<S> {
    /// Makes tables without any route.
    pub(crate) fn empty() -> Self {
        Self { open: OpenApiRouter::new(), tenant: OpenApiRouter::new(), operator: OpenApiRouter::new() }
    }

    /// Returns all routes, each behind the layer of its table, and behind that the one that refuses what its route does
    /// not take.
    pub(crate) fn guarded(self, authenticator: &Arc<dyn Authenticator>) -> Router<S> {
        let [open, tenant, operator] = [self.open, self.tenant, self.operator].map(|table| {
            let (routes, document) = table.split_for_parts();
            routes.layer(from_fn_with_state(Declared::by(&document), refuse_undeclared))
        });
        open.merge(tenant.layer(from_fn_with_state(Arc::clone(authenticator), require_tenant)))
            .merge(operator.layer(from_fn_with_state(Arc::clone(authenticator), require_operator)))
    }

    /// Returns all routes and their documentation, behind no layer.
    pub(crate) fn merged(self) -> OpenApiRouter<S> {
        self.open.merge(self.tenant).merge(self.operator)
    }
}
