//! What is compiled.

use runbay_model::Limits;
use runbay_model::Sources;
use runbay_model::TenantId;

use crate::installed::Installed;

/// What is compiled, and for whom.
pub(crate) struct CompileRequest<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) installed: &'a Installed,
    pub(crate) sources: &'a Sources,
    pub(crate) limits: &'a Limits,
}
