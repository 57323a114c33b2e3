//! The table `executions`.

use runbay_model::Attempt;
use runbay_model::End;
use runbay_model::ExecutionId;
use runbay_model::ExecutionReport;
use runbay_model::ExecutionSummary;
use runbay_model::Facts;
use runbay_model::Interaction;
use runbay_model::LanguageId;
use runbay_model::Outcome;
use runbay_model::Output;
use runbay_model::OutputOrder;
use runbay_model::Priority;
use runbay_model::Reason;
use runbay_model::RunInput;
use runbay_model::SessionId;
use runbay_model::State;
use runbay_model::Status;
use runbay_model::Timestamp;
use runbay_model::Work;
use sea_orm::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::CaseStatement;
use sea_orm::sea_query::ExprTrait;

use super::SourceColumns;
use super::count;
use super::documents::environment_document;
use super::documents::limits_document;
use super::documents::plan_document;
use super::documents::read_environment;
use super::documents::read_limits;
use super::documents::read_plan;
use super::documents::read_results;
use super::documents::results_document;
use super::duration;
use super::micros;
use super::moment;
use super::number;
use super::word;
use crate::StoreError;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "executions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) tenant_id: String,
    pub(crate) session_id: Option<Uuid>,
    /// The version of the session whose code it runs.
    pub(crate) session_version: Option<i64>,
    /// The session while the execution is queued or running, else null. It is unique, so a session has one active run
    /// at most.
    pub(crate) active_session_id: Option<Uuid>,
    pub(crate) language: String,
    #[sea_orm(column_type = "Text")]
    pub(crate) source_code: String,
    /// The name of the file in `source_code`. Null when its language names it.
    pub(crate) entry_name: Option<String>,
    /// A JSON array of the other files.
    #[sea_orm(column_type = "Text", nullable)]
    pub(crate) other_files: Option<String>,
    #[sea_orm(column_type = "Blob")]
    pub(crate) stdin: Vec<u8>,
    /// A JSON array of texts.
    #[sea_orm(column_type = "Text")]
    pub(crate) args: String,
    /// A JSON object of texts.
    #[sea_orm(column_type = "Text", nullable)]
    pub(crate) environment: Option<String>,
    /// A JSON object of numbers.
    #[sea_orm(column_type = "Text", nullable)]
    pub(crate) limits: Option<String>,
    /// A JSON object of test cases.
    #[sea_orm(column_type = "Text", nullable)]
    pub(crate) tests: Option<String>,
    /// The priority. Null means normal.
    pub(crate) priority: Option<String>,
    /// How a person takes part. Null means not at all.
    pub(crate) interaction: Option<String>,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) attempt: i64,
    /// How many attempts were handed back. They do not count against the allowed attempts.
    pub(crate) attempts_returned: i64,
    /// The worker that runs it, and in a cancelled row the one whose report is still to come.
    pub(crate) lease_owner: Option<Uuid>,
    /// The turn that its newest attempt had in the queue.
    pub(crate) queue_turn: Option<f64>,
    /// The time before which a queued execution is not started.
    pub(crate) available_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) queued_at: i64,
    pub(crate) started_at: Option<i64>,
    pub(crate) completed_at: Option<i64>,
    /// When the last attempt was lost. Null again once somebody has dealt with the dead letter.
    pub(crate) dead_lettered_at: Option<i64>,
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
    /// The order of the pieces of both streams, see [`OutputOrder`].
    #[sea_orm(column_type = "Text", nullable)]
    pub(crate) output_order: Option<String>,
    /// A JSON array of test results.
    #[sea_orm(column_type = "Text", nullable)]
    pub(crate) test_results: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The columns that store a state.
pub(crate) struct StateColumns<'a> {
    pub(crate) status: &'a str,
    pub(crate) reason: Option<&'a str>,
    pub(crate) attempt: i64,
    pub(crate) lease_owner: Option<Uuid>,
}

impl StateColumns<'_> {
    /// Builds the state.
    pub(crate) fn state(&self) -> Result<State, StoreError> {
        let reason = self.reason.map(|text| word("executions.reason", text)).transpose()?;
        let attempt = Attempt(count("executions.attempt", self.attempt)?);
        match State::from_parts(word("executions.status", self.status)?, reason, attempt) {
            Some(State::Ended { attempt, end: End::Cancelled }) if self.lease_owner.is_some() => {
                Ok(State::Stopping { attempt })
            }
            Some(state) => Ok(state),
            None => {
                Err(StoreError::Damaged(format!("executions.status is {} with reason {:?}", self.status, self.reason)))
            }
        }
    }
}

/// Returns the words that store a state.
///
/// What is stopping is stored as cancelled, which it is for programs that do not know this state: they start it no more,
/// and take no execution of its session for active.
pub(crate) const fn stored(state: State) -> (Status, Option<Reason>) {
    match state {
        State::Stopping { .. } => (Status::Cancelled, Some(Reason::Cancelled)),
        State::Queued { .. } | State::Running { .. } | State::Ended { .. } => (state.status(), state.reason()),
    }
}

/// Reads the version of a session.
pub(crate) fn version(number: Option<i64>) -> Result<Option<u64>, StoreError> {
    number.map(|number| count("executions.session_version", number)).transpose()
}

/// Reads a priority.
pub(crate) fn priority(text: Option<&str>) -> Result<Priority, StoreError> {
    text.map_or(Ok(Priority::default()), |text| word("executions.priority", text))
}

/// Reads how a person takes part.
pub(crate) fn interaction(text: Option<&str>) -> Result<Option<Interaction>, StoreError> {
    text.map(|text| word("executions.interaction", text)).transpose()
}

/// The columns of what an execution runs.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub(crate) struct InputRow {
    language: String,
    source_code: String,
    entry_name: Option<String>,
    other_files: Option<String>,
    stdin: Vec<u8>,
    args: String,
    environment: Option<String>,
    limits: Option<String>,
    tests: Option<String>,
    priority: Option<String>,
    interaction: Option<String>,
}

/// The columns that lists show. None of them holds more than a few hundred bytes.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub(crate) struct SummaryRow {
    id: Uuid,
    session_id: Option<Uuid>,
    session_version: Option<i64>,
    language: String,
    status: String,
    reason: Option<String>,
    attempt: i64,
    lease_owner: Option<Uuid>,
    created_at: i64,
    queued_at: i64,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    pub(crate) dead_lettered_at: Option<i64>,
    message: Option<String>,
    exit_code: Option<i32>,
    signal: Option<String>,
    stdout_truncated: bool,
    stderr_truncated: bool,
    execution_time_micros: Option<i64>,
    cpu_time_micros: Option<i64>,
    memory_bytes: Option<i64>,
    compile_time_micros: Option<i64>,
}

/// The columns that readers see. None of them holds anything that the execution runs.
#[derive(Debug, DerivePartialModel)]
#[sea_orm(entity = "Entity")]
pub(crate) struct ReportRow {
    #[sea_orm(nested)]
    summary: SummaryRow,
    stdout: Option<Vec<u8>>,
    stderr: Option<Vec<u8>>,
    compile_output: Option<Vec<u8>>,
    test_results: Option<String>,
    output_order: Option<String>,
    #[sea_orm(from_expr = "unanswered_tests()")]
    unanswered_tests: Option<String>,
}

/// Selects the test cases of an execution that ended without results for them, such as one that did not compile.
///
/// Otherwise the results give the number of cases. The cases may be megabytes.
fn unanswered_tests() -> Expr {
    let is_unanswered = Column::CompletedAt.is_not_null().and(Column::TestResults.is_null());
    CaseStatement::new().case(is_unanswered, Expr::col((Entity, Column::Tests))).into()
}

impl ActiveModel {
    /// Sets the columns of what the execution runs.
    pub(crate) fn set_input(&mut self, input: &RunInput) {
        let RunInput { language, sources, work } = input;
        let Work { stdin, args, environment, limits, tests, priority, interaction } = work;
        let SourceColumns { source_code, entry_name, other_files } = sources.into();
        self.language = Set(language.as_str().to_owned());
        self.source_code = Set(source_code);
        self.entry_name = Set(entry_name);
        self.other_files = Set(other_files);
        self.stdin = Set(stdin.clone());
        self.args = Set(serde_json::Value::from(args.as_slice()).to_string());
        self.environment = Set(environment_document(environment));
        self.limits = Set(limits_document(limits));
        self.tests = Set(tests.as_ref().map(plan_document));
        self.interaction = Set(interaction.map(|interaction| interaction.as_str().to_owned()));
        self.priority = Set((*priority != Priority::default()).then(|| priority.as_str().to_owned()));
    }

    /// Sets the columns of the result.
    pub(crate) fn set_outcome(&mut self, outcome: &Outcome) {
        let Outcome { facts, output } = outcome;
        self.message = Set(facts.message.clone());
        self.exit_code = Set(facts.exit_code);
        self.signal = Set(facts.signal.clone());
        self.stdout_truncated = Set(facts.stdout_truncated);
        self.stderr_truncated = Set(facts.stderr_truncated);
        self.execution_time_micros = Set(facts.execution_time.map(micros));
        self.cpu_time_micros = Set(facts.cpu_time.map(micros));
        self.memory_bytes = Set(facts.memory_bytes.map(number));
        self.compile_time_micros = Set(facts.compile_time.map(micros));
        self.stdout = Set(Some(output.stdout.clone()));
        self.stderr = Set(Some(output.stderr.clone()));
        self.compile_output = Set(output.compile_output.clone());
        // Of output on one stream there is nothing to tell.
        let is_mixed = !output.stdout.is_empty() && !output.stderr.is_empty();
        self.output_order = Set(is_mixed.then(|| output.order.to_string()));
        self.test_results = Set(output.tests.as_deref().map(results_document));
    }
}

impl TryFrom<InputRow> for RunInput {
    type Error = StoreError;

    fn try_from(row: InputRow) -> Result<Self, StoreError> {
        let InputRow { source_code, entry_name, other_files, .. } = row;
        let args = serde_json::from_str(&row.args);
        let work = Work {
            stdin: row.stdin,
            args: args.map_err(|error| StoreError::Damaged(format!("executions.args: {error}")))?,
            environment: read_environment(row.environment.as_deref())?,
            limits: read_limits(row.limits.as_deref())?,
            tests: row.tests.as_deref().map(read_plan).transpose()?,
            priority: priority(row.priority.as_deref())?,
            interaction: interaction(row.interaction.as_deref())?,
        };
        let sources = SourceColumns { source_code, entry_name, other_files }.into_sources("executions")?;
        Ok(Self { language: LanguageId::new(row.language), sources, work })
    }
}

impl TryFrom<SummaryRow> for ExecutionSummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        let SummaryRow { attempt, lease_owner, .. } = row;
        let columns = StateColumns { status: &row.status, reason: row.reason.as_deref(), attempt, lease_owner };
        let state = columns.state()?;
        let facts = Facts {
            message: row.message,
            exit_code: row.exit_code,
            signal: row.signal,
            stdout_truncated: row.stdout_truncated,
            stderr_truncated: row.stderr_truncated,
            execution_time: row.execution_time_micros.map(duration),
            cpu_time: row.cpu_time_micros.map(duration),
            memory_bytes: row.memory_bytes.map(|bytes| count("executions.memory_bytes", bytes)).transpose()?,
            compile_time: row.compile_time_micros.map(duration),
        };
        Ok(Self {
            id: ExecutionId::from_uuid(row.id),
            session: row.session_id.map(SessionId::from_uuid),
            session_version: version(row.session_version)?,
            language: LanguageId::new(row.language),
            state,
            facts: known_facts(state, facts),
            created_at: Timestamp::from_micros(row.created_at),
            queued_at: Timestamp::from_micros(row.queued_at),
            started_at: moment(row.started_at),
            completed_at: moment(row.completed_at).filter(|_| state.is_ended()),
        })
    }
}

/// Returns the facts if they say something. A program that was cancelled may never have been started.
fn known_facts(state: State, facts: Facts) -> Option<Facts> {
    match state {
        State::Ended { end: End::Judged(_) | End::Lost(_), .. } => Some(facts),
        State::Ended { end: End::Cancelled, .. } => Some(facts).filter(|facts| *facts != Facts::default()),
        State::Queued { .. } | State::Running { .. } | State::Stopping { .. } => None,
    }
}

impl TryFrom<ReportRow> for ExecutionReport {
    type Error = StoreError;

    fn try_from(row: ReportRow) -> Result<Self, StoreError> {
        let summary = ExecutionSummary::try_from(row.summary)?;
        let output = Output {
            stdout: row.stdout.unwrap_or_default(),
            stderr: row.stderr.unwrap_or_default(),
            compile_output: row.compile_output,
            tests: row.test_results.as_deref().map(read_results).transpose()?,
            order: row
                .output_order
                .map_or(Ok(OutputOrder::default()), |text| word("executions.output_order", &text))?,
        };
        let tests_total = match (&output.tests, row.unanswered_tests) {
            (Some(results), _) => Some(results.len()),
            (None, Some(plan)) if summary.state.is_ended() => Some(read_plan(&plan)?.cases.len()),
            (None, _) => None,
        };
        Ok(Self { output: summary.facts.is_some().then_some(output), summary, tests_total })
    }
}
