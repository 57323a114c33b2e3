//! The query parameter that erases what is deleted.

use serde::Deserialize;
use utoipa::IntoParams;

/// What a deletion leaves.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EraseQuery {
    /// Whether to leave nothing: no text, no output and no idempotency keys.
    #[serde(default)]
    #[param(default = false)]
    pub(crate) erase: bool,
}
