//! The query parameters of all answers that show an execution.

use std::time::Duration;

use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::Sources;
use runbay_model::TenantId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::ToSchema;

use crate::fields::ChosenSignal;
use crate::fields::Wait;
use crate::problem::Problem;
use crate::schema;
use crate::state::Api;

/// How an execution is asked for.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExecutionQuery {
    /// Answer as soon as the execution has ended, or after this many milliseconds as it is then.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 60_000)]
    wait_ms: Option<Wait>,
    /// How output is written.
    #[serde(default)]
    #[param(value_type = Option<Encoding>)]
    pub(super) encoding: Encoding,
    /// What to add to the answer.
    include: Option<Include>,
}

/// How events are asked for.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// How output is written.
    #[serde(default)]
    #[param(value_type = Option<Encoding>)]
    pub(super) encoding: Encoding,
    /// The number of the last event that the client has, for clients that cannot set the header `Last-Event-ID`.
    #[param(minimum = 0)]
    pub(super) last_event_id: Option<u64>,
}

/// How to cancel.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CancelQuery {
    /// A signal for the program, which then has two seconds to end by itself before it is stopped.
    #[param(value_type = Option<schema::SignalName>)]
    pub(crate) signal: Option<ChosenSignal>,
}

/// How output is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OutputEncoding)]
pub(crate) enum Encoding {
    /// As text, with U+FFFD for bytes that are not UTF-8.
    #[default]
    Text,
    /// As the exact bytes in base64 (RFC 4648, section 4).
    Base64,
}

/// What can be added to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Include {
    /// The code that is run.
    Source,
    /// Standard output and standard error in the order in which they were read.
    Log,
}

/// What is added to an answer.
#[derive(Default)]
pub(super) struct Included {
    /// The code that is run.
    pub(super) sources: Option<Sources>,
    /// Whether both streams are shown in order.
    pub(super) has_log: bool,
}

impl ExecutionQuery {
    /// Returns how long the client waits. Returns zero when it does not wait.
    pub(crate) fn wait(&self) -> Duration {
        self.wait_ms.map_or(Duration::ZERO, Wait::duration)
    }

    /// Reads an execution once it has ended or the wait is over, with its code if the request asks for that.
    ///
    /// # Errors
    ///
    /// A problem when it does not exist for this tenant, the database does not answer, or too many requests wait.
    pub(super) async fn read(
        &self,
        api: &Api,
        tenant: &TenantId,
        id: ExecutionId,
    ) -> Result<(ExecutionReport, Included), Problem> {
        match self.wait() {
            Duration::ZERO => self.read_now(api, tenant, id).await,
            wait => {
                let report = api.wait_for_end(tenant, id, wait).await?;
                Ok((report, self.included(api, tenant, id).await?))
            }
        }
    }

    /// Reads an execution at once, with its code if the request asks for that.
    ///
    /// # Errors
    ///
    /// A problem when it does not exist for this tenant or the database does not answer.
    pub(super) async fn read_now(
        &self,
        api: &Api,
        tenant: &TenantId,
        id: ExecutionId,
    ) -> Result<(ExecutionReport, Included), Problem> {
        let report = api.engine().report(tenant, id).await.map_err(Problem::of_execution)?;
        Ok((report, self.included(api, tenant, id).await?))
    }

    async fn included(&self, api: &Api, tenant: &TenantId, id: ExecutionId) -> Result<Included, Problem> {
        match self.include {
            Some(Include::Source) => {
                let input = api.engine().input(tenant, id).await.map_err(Problem::of_execution)?;
                Ok(Included { sources: Some(input.sources), ..Included::default() })
            }
            Some(Include::Log) => Ok(Included { has_log: true, ..Included::default() }),
            None => Ok(Included::default()),
        }
    }
}
