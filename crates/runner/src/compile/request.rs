//! A request to compile.

use runbay_model::Limits;
use runbay_model::Sources;
use runbay_model::TenantId;

use crate::installed::Installed;

/// A program to compile, and its tenant.
pub(crate) struct CompileRequest<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) installed: &'a Installed,
    pub(crate) sources: &'a Sources,
    pub(crate) limits: &'a Limits,
}
