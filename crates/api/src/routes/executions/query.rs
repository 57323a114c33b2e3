//! Query parameters of every answer that shows an execution.

use std::time::Duration;

use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::ToSchema;

use crate::fields::Wait;

/// How an execution is asked for.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExecutionQuery {
    /// Answer as soon as the execution has ended, or after this many milliseconds as it is then.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 60_000)]
    wait_ms: Option<Wait>,
    /// How output is written.
    #[serde(default)]
    #[param(inline)]
    pub(super) encoding: Encoding,
    /// What to add to the answer.
    #[param(inline)]
    pub(super) include: Option<Include>,
}

/// How output is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Encoding {
    /// As text, with U+FFFD for bytes that are not UTF-8.
    #[default]
    Text,
    /// As the exact bytes in base64 (RFC 4648, section 4).
    Base64,
}

/// What can be added to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Include {
    /// The code that is run.
    Source,
}

impl ExecutionQuery {
    /// Returns the time for which the client waits; zero when it does not wait.
    pub(crate) fn wait(&self) -> Duration {
        self.wait_ms.map_or(Duration::ZERO, Wait::duration)
    }
}
