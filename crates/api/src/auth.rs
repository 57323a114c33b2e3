//! Who a request comes from, and what that principal may ask for.
//!
//! Every route stands in a table: open, tenant or operator. The table decides who is let in, before the route is asked.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use runbay_model::TenantId;

use crate::exposure::Reach;
use crate::problem::Code;
use crate::problem::Problem;

/// Tells who a request comes from.
pub trait Authenticator: Send + Sync + 'static {
    /// Returns the principal that the headers name; none when they name nobody whom the server knows.
    ///
    /// It is asked once for each request outside the open table, and must not block. `from` says where the request comes
    /// from, for those that carry no key.
    fn principal(&self, from: Reach, headers: &HeaderMap) -> Option<Principal>;
}

/// Who a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The tenant whose sessions and executions it sees; an operator has one as well.
    pub tenant: TenantId,
    /// What it may ask for.
    pub role: Role,
    /// Whether it has shown who it is, or is on this machine; others see what they know the id of, and no lists.
    pub is_known: bool,
}

/// Which tables of routes a principal may use beside the open one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// That of tenants.
    Tenant,
    /// That of operators.
    Operator,
    /// Both.
    Both,
}

/// Takes every request for one of the default tenant, and from this machine for one of the operator: there are no keys.
#[derive(Debug, Clone, Copy)]
pub struct Everybody;

impl Authenticator for Everybody {
    fn principal(&self, from: Reach, _headers: &HeaderMap) -> Option<Principal> {
        let is_known = from == Reach::ThisMachine;
        let role = if is_known { Role::Both } else { Role::Tenant };
        Some(Principal { tenant: TenantId::default(), role, is_known })
    }
}

/// Lets only tenants pass; the layer of the tenant table.
pub(crate) async fn require_tenant(
    State(authenticator): State<Arc<dyn Authenticator>>,
    request: Request,
    next: Next,
) -> Response {
    pass(&*authenticator, Role::Tenant, request, next).await
}

/// Lets only operators pass; the layer of the operator table.
pub(crate) async fn require_operator(
    State(authenticator): State<Arc<dyn Authenticator>>,
    request: Request,
    next: Next,
) -> Response {
    pass(&*authenticator, Role::Operator, request, next).await
}

async fn pass(authenticator: &dyn Authenticator, needed: Role, mut request: Request, next: Next) -> Response {
    let from = request.extensions().get().copied().unwrap_or(Reach::Elsewhere);
    let Some(principal) = authenticator.principal(from, request.headers()) else {
        return Problem::new(Code::Unauthenticated).into_response();
    };
    if principal.role != needed && principal.role != Role::Both {
        if !principal.is_known {
            return Reach::operations_refused().into_response();
        }
        let sentence = match needed {
            Role::Tenant => "This is for tenants, and the key is that of an operator.",
            Role::Operator | Role::Both => "This is for operators, and the key is that of a tenant.",
        };
        return Problem::new(Code::Forbidden).detail(sentence).into_response();
    }
    request.extensions_mut().insert(principal);
    next.run(request).await
}

impl Principal {
    /// Refuses a list of what others use to somebody who has not shown who they are.
    ///
    /// Without keys, everybody who knows an id can read and change what it names.
    ///
    /// # Errors
    ///
    /// A problem with the code `list_refused`.
    pub(crate) fn refuse_list_to_strangers(&self) -> Result<(), Problem> {
        if self.is_known {
            return Ok(());
        }
        Err(Problem::new(Code::ListRefused).detail(
            "There are no keys, so the server tells ids that others use only to programs on its own machine, and only \
             while it listens on loopback and has no --public-url.",
        ))
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        parts.extensions.get().cloned().ok_or_else(|| {
            Problem::new(Code::InternalError).cause("a route of the open table asks for a principal").into_response()
        })
    }
}
