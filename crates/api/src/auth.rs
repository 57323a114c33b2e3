//! Who a request comes from.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use runbay_model::TenantId;

/// Who a request comes from; every route that touches data takes one.
///
/// There are no keys yet, so everybody is the default tenant.
pub(crate) struct Principal {
    pub(crate) tenant: TenantId,
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self { tenant: TenantId::default() })
    }
}
