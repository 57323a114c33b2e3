//! The table `executions`.

use runbay_model::Attempt;
use runbay_model::End;
use runbay_model::Execution;
use runbay_model::ExecutionId;
use runbay_model::LanguageId;
use runbay_model::Outcome;
use runbay_model::RunInput;
use runbay_model::SessionId;
use runbay_model::State;
use runbay_model::TenantId;
use runbay_model::Timestamp;
use sea_orm::Set;
use sea_orm::entity::prelude::*;

use super::count;
use super::duration;
use super::micros;
use super::moment;
use super::number;
use super::word;
use crate::Unavailable;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "executions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) tenant_id: String,
    pub(crate) session_id: Option<Uuid>,
    /// The session while the execution is queued or running, else null; unique, which is what allows one active run.
    pub(crate) active_session_id: Option<Uuid>,
    pub(crate) language: String,
    #[sea_orm(column_type = "Text")]
    pub(crate) source_code: String,
    #[sea_orm(column_type = "Blob")]
    pub(crate) stdin: Vec<u8>,
    /// A JSON array of texts.
    #[sea_orm(column_type = "Text")]
    pub(crate) args: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) attempt: i64,
    /// How many attempts were handed back; they do not count against the attempts that are allowed.
    pub(crate) attempts_returned: i64,
    pub(crate) lease_owner: Option<Uuid>,
    /// The time before which a queued execution is not started.
    pub(crate) available_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) queued_at: i64,
    pub(crate) started_at: Option<i64>,
    pub(crate) completed_at: Option<i64>,
    #[sea_orm(column_type = "Text", nullable)]
    pub(crate) message: Option<String>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<String>,
    #[sea_orm(column_type = "Blob", nullable)]
    pub(crate) stdout: Option<Vec<u8>>,
    #[sea_orm(column_type = "Blob", nullable)]
    pub(crate) stderr: Option<Vec<u8>>,
    pub(crate) stdout_truncated: bool,
    pub(crate) stderr_truncated: bool,
    #[sea_orm(column_type = "Blob", nullable)]
    pub(crate) compile_output: Option<Vec<u8>>,
    pub(crate) execution_time_micros: Option<i64>,
    pub(crate) cpu_time_micros: Option<i64>,
    pub(crate) memory_bytes: Option<i64>,
    pub(crate) compile_time_micros: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Puts together the state that the three columns store.
pub(crate) fn state(status: &str, reason: Option<&str>, attempt: i64) -> Result<State, Unavailable> {
    let reason_word = reason.map(|text| word("executions.reason", text)).transpose()?;
    let attempt = Attempt(count("executions.attempt", attempt)?);
    State::from_parts(word("executions.status", status)?, reason_word, attempt)
        .ok_or_else(|| Unavailable::Damaged(format!("executions.status is {status} with reason {reason:?}")))
}

impl ActiveModel {
    /// Sets what came of running the program.
    pub(crate) fn set_outcome(&mut self, outcome: Outcome) {
        self.message = Set(outcome.message);
        self.exit_code = Set(outcome.exit_code);
        self.signal = Set(outcome.signal);
        self.stdout = Set(Some(outcome.stdout));
        self.stderr = Set(Some(outcome.stderr));
        self.stdout_truncated = Set(outcome.stdout_truncated);
        self.stderr_truncated = Set(outcome.stderr_truncated);
        self.compile_output = Set(outcome.compile_output);
        self.execution_time_micros = Set(outcome.execution_time.map(micros));
        self.cpu_time_micros = Set(outcome.cpu_time.map(micros));
        self.memory_bytes = Set(outcome.memory_bytes.map(number));
        self.compile_time_micros = Set(outcome.compile_time.map(micros));
    }
}

impl TryFrom<Model> for Execution {
    type Error = Unavailable;

    fn try_from(row: Model) -> Result<Self, Unavailable> {
        let state = state(&row.status, row.reason.as_deref(), row.attempt)?;
        let args = serde_json::from_str(&row.args)
            .map_err(|error| Unavailable::Damaged(format!("executions.args: {error}")))?;
        let outcome = match state {
            State::Ended { end: End::Judged(_) | End::Lost(_), .. } => Some(Outcome {
                message: row.message,
                exit_code: row.exit_code,
                signal: row.signal,
                stdout: row.stdout.unwrap_or_default(),
                stderr: row.stderr.unwrap_or_default(),
                stdout_truncated: row.stdout_truncated,
                stderr_truncated: row.stderr_truncated,
                compile_output: row.compile_output,
                execution_time: row.execution_time_micros.map(duration),
                cpu_time: row.cpu_time_micros.map(duration),
                memory_bytes: row.memory_bytes.map(|bytes| count("executions.memory_bytes", bytes)).transpose()?,
                compile_time: row.compile_time_micros.map(duration),
            }),
            _ => None,
        };
        Ok(Self {
            id: ExecutionId::from_uuid(row.id),
            tenant: TenantId::new(row.tenant_id),
            session: row.session_id.map(SessionId::from_uuid),
            input: RunInput {
                language: LanguageId::new(row.language),
                source_code: row.source_code,
                stdin: row.stdin,
                args,
            },
            state,
            outcome,
            created_at: Timestamp::from_micros(row.created_at),
            queued_at: Timestamp::from_micros(row.queued_at),
            started_at: moment(row.started_at),
            completed_at: moment(row.completed_at),
        })
    }
}
