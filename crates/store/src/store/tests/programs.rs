use std::collections::BTreeMap;
use std::convert::Infallible;

use runbay_model::CodeChange;
use runbay_model::Comparison;
use runbay_model::Environment;
use runbay_model::ExpectedOutput;
use runbay_model::Interaction;
use runbay_model::LimitOverrides;
use runbay_model::PageRequest;
use runbay_model::Priority;
use runbay_model::Reason;
use runbay_model::SourceCode;
use runbay_model::TestCase;
use runbay_model::TestPlan;
use runbay_model::TestResult;
use runbay_model::TestVerdict;
use sea_orm::ColumnTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::QueryFilter;
use sea_orm::QueryTrait;
use sea_orm::sea_query::Expr;

use super::*;
use crate::AcceptOneShot;
use crate::AcceptRefusal;
use crate::Acceptance;
use crate::KeyedRequest;
use crate::SaveSession;
use crate::entities::code_session;
use crate::entities::execution::Column;
use crate::executions::queries;

/// Bytes that are no text, and text that is hard to write down.
const BINARY: &[u8] = &[0, 255, 10, 34];
const AWKWARD: &str = "\u{0}\u{1}\"\\\r\nž🦀";

fn program() -> Sources {
    files(&[("app.py", "import lib".as_bytes()), ("lib/žába.py", AWKWARD.as_bytes()), ("data.bin", BINARY)])
}

fn files(files: &[(&str, &[u8])]) -> Sources {
    Sources::of_files(files.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect()).unwrap()
}

fn work() -> Work {
    let variables = [("GREETING", "Grüß Gott\n"), ("EMPTY", "")];
    let variables: BTreeMap<_, _> =
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let case = |name: Option<&str>, comparison| TestCase {
        name: name.map(str::to_owned),
        stdin: BINARY.to_vec(),
        args: vec![AWKWARD.to_owned()],
        expected: ExpectedOutput::new("1".to_owned(), comparison).unwrap(),
    };
    let cases = vec![
        case(Some("first"), Comparison::Trimmed),
        case(None, Comparison::Exact),
        case(None, Comparison::Tokens),
        case(None, Comparison::Regex),
    ];
    Work {
        stdin: BINARY.to_vec(),
        args: vec![AWKWARD.to_owned()],
        environment: Environment::new(variables).unwrap(),
        limits: LimitOverrides { wall_time_ms: Some(1_000), inodes: Some(u64::MAX), ..LimitOverrides::default() },
        tests: Some(TestPlan { cases, stop_on_failure: true }),
        priority: Priority::Low,
        interaction: Some(Interaction { is_repl: true, has_terminal: true }),
    }
}

fn test_results() -> Vec<TestResult> {
    let skipped = TestResult::skipped(None);
    let error = TestResult {
        name: Some("first".to_owned()),
        verdict: TestVerdict::Error,
        reason: Some(Reason::MemoryLimit),
        message: Some("Grüß Gott".to_owned()),
        exit_code: Some(-1),
        signal: Some("SIGKILL".to_owned()),
        stdout: AWKWARD.to_owned(),
        stderr_truncated: true,
        execution_time: Some(Duration::from_micros(1_234)),
        cpu_time: Some(Duration::from_micros(1_230)),
        memory_bytes: Some(1 << 40),
        ..skipped.clone()
    };
    let with = |verdict| TestResult { verdict, ..skipped.clone() };
    vec![error, with(TestVerdict::Passed), with(TestVerdict::Failed), skipped]
}

fn input() -> RunInput {
    RunInput { language: LanguageId::new("python"), sources: program(), work: work() }
}

fn one_shot(now: i64) -> AcceptOneShot {
    AcceptOneShot {
        tenant: TenantId::default(),
        execution: ExecutionId::random(),
        input: input(),
        keyed: None,
        at: at(now),
    }
}

async fn one_shot_accepted(store: &Store, now: i64) -> ExecutionHead {
    store.write(one_shot(now)).await.unwrap().into_head()
}

/// Runs an accepted execution to its end.
async fn tested(store: &Store, execution: &ExecutionHead) {
    let attempt = claimed(store, execution).await;
    let mut outcome = outcome();
    outcome.output.tests = Some(test_results());
    store.write(finish(execution, attempt, Verdict::Completed, outcome)).await.unwrap();
}

async fn row(store: &Store, execution: &ExecutionHead) -> execution::Model {
    execution::Entity::find_by_id(execution.id.as_uuid()).one(store.readers()).await.unwrap().unwrap()
}

fn save(session: &Session, code: CodeChange) -> SaveSession {
    SaveSession {
        tenant: session.tenant.clone(),
        id: session.id,
        language: None,
        code: Some(code),
        expected_version: None,
        at: at(20),
    }
}

async fn saved(store: &Store, session: &Session, code: CodeChange) -> Session {
    let saved = store.save_session(save(session, code)).await.unwrap();
    assert_eq!(store.session(&session.tenant, session.id).await.unwrap().as_ref(), Some(&saved));
    saved
}

async fn whatever_a_request_adds_is_read_as_it_was_written(database: TestDatabase) {
    let store = database.open().await;
    let execution = one_shot_accepted(&store, 10).await;
    assert_eq!(execution.session, None);
    let queued = read(&store, execution.id).await;
    assert_eq!((queued.head, queued.input, queued.report.tests_total), (execution.clone(), input(), None));

    tested(&store, &execution).await;
    let ended = read(&store, execution.id).await;
    assert_eq!(ended.input, input());
    assert_eq!(ended.outcome().and_then(|outcome| outcome.output.tests), Some(test_results()));
    assert_eq!(ended.report.tests_total, Some(4));
}

async fn one_file_and_a_plain_run_take_no_more_columns_than_they_need(database: TestDatabase) {
    let store = database.open().await;
    let execution = accepted(&store, 10).await;
    let attempt = claimed(&store, &execution).await;
    store.write(finish(&execution, attempt, Verdict::Completed, outcome())).await.unwrap();
    let row = row(&store, &execution).await;
    assert_eq!((row.entry_name, row.other_files, row.environment), (None, None, None));
    assert_eq!((row.limits, row.tests, row.test_results), (None, None, None));
}

/// Rows outlive releases. If this fails, older rows cannot be read.
async fn documents_stay_what_they_are(database: TestDatabase) {
    let store = database.open().await;
    let execution = one_shot_accepted(&store, 10).await;
    tested(&store, &execution).await;
    let row = row(&store, &execution).await;
    let text = |column: Option<String>| column.unwrap();
    assert_eq!(text(row.entry_name), "app.py");
    assert_eq!(
        text(row.other_files),
        r#"[{"name":"lib/žába.py","content":"AAEiXA0Kxb7wn6aA"},{"name":"data.bin","content":"AP8KIg=="}]"#
    );
    assert_eq!(text(row.environment), r#"{"EMPTY":"","GREETING":"Grüß Gott\n"}"#);
    assert_eq!(text(row.limits), r#"{"inodes":18446744073709551615,"wall_time_ms":1000}"#);
    let case = |comparison| {
        format!(r#""stdin":"AP8KIg==","args":["AAEiXA0Kxb7wn6aA"],"expected_stdout":"MQ==","match":"{comparison}"}}"#)
    };
    let (trimmed, exact, tokens, regex) = (case("trimmed"), case("exact"), case("tokens"), case("regex"));
    assert_eq!(
        text(row.tests),
        format!(r#"{{"cases":[{{"name":"first",{trimmed},{{{exact},{{{tokens},{{{regex}],"stop_on_failure":true}}"#)
    );
    let empty = |verdict| {
        format!(
            r#"{{"verdict":"{verdict}","stdout":"","stderr":"","stdout_truncated":false,"stderr_truncated":false}}"#
        )
    };
    let (passed, failed, skipped) = (empty("passed"), empty("failed"), empty("skipped"));
    let error = concat!(
        r#"{"name":"first","verdict":"error","reason":"memory_limit","message":"Grüß Gott","exit_code":-1,"signal":"SIGKILL","#,
        r#""stdout":"AAEiXA0Kxb7wn6aA","stderr":"","stdout_truncated":false,"stderr_truncated":true,"#,
        r#""execution_time_micros":1234,"cpu_time_micros":1230,"memory_bytes":1099511627776}"#
    );
    assert_eq!(text(row.test_results), format!("[{error},{passed},{failed},{skipped}]"));
}

/// Puts a text into one column of every execution.
#[derive(Clone)]
struct Damage {
    column: Column,
    text: Option<&'static str>,
}

impl Command for Damage {
    type Answer = ();
    type Refusal = Infallible;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<Infallible>> {
        let damage = execution::Entity::update_many().col_expr(self.column, Expr::value(self.text));
        damage.exec(transaction).await?;
        Ok(())
    }
}

async fn a_damaged_document_is_an_error_that_names_its_column(database: TestDatabase) {
    let store = database.open().await;
    let execution = one_shot_accepted(&store, 10).await;
    tested(&store, &execution).await;
    let good = row(&store, &execution).await;
    let expected_text =
        r#"{"cases":[{"stdin":"","args":[],"expected_stdout":"/w==","match":"exact"}],"stop_on_failure":false}"#;
    for (column, text, complaint) in [
        (Column::EntryName, Some("../app.py"), "executions.entry_name: \"../app.py\" must not"),
        (Column::EntryName, None, "executions.entry_name: is null"),
        (Column::OtherFiles, Some(""), "executions.other_files: EOF"),
        (Column::OtherFiles, Some("{}"), "executions.other_files: invalid type"),
        (Column::OtherFiles, Some(r#"[{"name":"a","content":"?"}]"#), "executions.other_files: Invalid symbol"),
        (Column::OtherFiles, Some(r#"[{"name":"/a","content":""}]"#), "executions.other_files: \"/a\" must not"),
        (Column::OtherFiles, Some(r#"[{"name":"a","content":"","mode":1}]"#), "executions.other_files: unknown field"),
        (Column::Environment, Some(r#"{"A=B":""}"#), "executions.environment: \"A=B\" must have"),
        (Column::Environment, Some(r#"{"A":1}"#), "executions.environment: invalid type"),
        (Column::Limits, Some(r#"{"threads":1}"#), "executions.limits: \"threads\" is no limit"),
        (Column::Limits, Some(r#"{"inodes":-1}"#), "executions.limits: invalid value"),
        (Column::Tests, Some("[]"), "executions.tests: invalid length"),
        (Column::Tests, Some(expected_text), "executions.tests: invalid utf-8"),
        (Column::TestResults, Some("[{}]"), "executions.test_results: missing field"),
        (Column::TestResults, Some("null"), "executions.test_results: invalid type"),
    ] {
        store.write(Damage { column, text }).await.unwrap();
        let error = match column {
            Column::TestResults => store.report(&execution.tenant, execution.id).await.unwrap_err(),
            _ => store.input(&execution.tenant, execution.id).await.unwrap_err(),
        };
        let StoreError::Damaged(found) = &error else { panic!("{column:?} {text:?}: {error:?}") };
        assert!(found.starts_with(complaint), "{found}");
        store.write(Repair(good.clone())).await.unwrap();
    }
    read(&store, execution.id).await;
}

#[derive(Clone)]
struct Repair(execution::Model);

impl Command for Repair {
    type Answer = ();
    type Refusal = Infallible;

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), WriteError<Infallible>> {
        let Self(row) = self;
        let repair = execution::Entity::update_many()
            .col_expr(Column::EntryName, Expr::value(row.entry_name))
            .col_expr(Column::OtherFiles, Expr::value(row.other_files))
            .col_expr(Column::Environment, Expr::value(row.environment))
            .col_expr(Column::Limits, Expr::value(row.limits))
            .col_expr(Column::Tests, Expr::value(row.tests))
            .col_expr(Column::TestResults, Expr::value(row.test_results))
            .filter(Column::Id.eq(row.id));
        repair.exec(transaction).await?;
        Ok(())
    }
}

async fn lists_do_not_read_documents(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    saved(&store, &session, CodeChange::Files(program())).await;
    let execution = store.write(AcceptRun { work: work(), ..run(&session, 10) }).await.unwrap().into_head();
    tested(&store, &execution).await;
    for column in [Column::OtherFiles, Column::Environment, Column::Limits, Column::Tests, Column::TestResults] {
        store.write(Damage { column, text: Some("damaged") }).await.unwrap();
    }
    let page = PageRequest { after: None, limit: 5 };
    let listed = store.executions_of_session(&session.tenant, session.id, page).await.unwrap();
    assert_eq!(listed.entries.len(), 1);
    assert_eq!(store.executions_with_status(Status::Completed, None, 5).await.unwrap().len(), 1);
}

/// A report for a waiting client is read without the code and input, which may be large.
async fn a_report_reads_nothing_of_what_was_run(database: TestDatabase) {
    let store = database.open().await;
    let columns = queries::report_columns().build(store.readers().get_database_backend()).sql;
    for column in ["source_code", "other_files", "stdin", "args", "environment", "limits"] {
        assert!(!columns.contains(column), "{column}: {columns}");
    }
    let execution = one_shot_accepted(&store, 10).await;
    tested(&store, &execution).await;
    for column in [Column::OtherFiles, Column::Environment, Column::Limits, Column::Tests] {
        store.write(Damage { column, text: Some("damaged") }).await.unwrap();
    }
    let report = store.report(&execution.tenant, execution.id).await.unwrap().expect("it exists");
    assert_eq!(report.tests_total, Some(4), "counted by the results");
}

/// After an end without results, only the test cases themselves tell how many there are.
async fn tests_without_results_are_counted(database: TestDatabase) {
    let store = database.open().await;
    let execution = one_shot_accepted(&store, 10).await;
    assert_eq!(read(&store, execution.id).await.report.tests_total, None);
    let attempt = claimed(&store, &execution).await;
    let refused = Verdict::Failed(Fault::CompileError);
    store.write(finish(&execution, attempt, refused, Outcome::default())).await.unwrap();
    assert_eq!(read(&store, execution.id).await.report.tests_total, Some(4));
}

async fn source_code_keeps_the_other_files_and_files_replace_all(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let with_files = saved(&store, &session, CodeChange::Files(program())).await;
    assert_eq!((with_files.version, &with_files.sources), (2, &program()));

    let code = CodeChange::SourceCode(SourceCode::new("new").unwrap());
    let edited = saved(&store, &session, code.clone()).await;
    assert_eq!((edited.version, edited.sources.source_code()), (3, "new"));
    assert_eq!((edited.sources.entry_name(), edited.sources.others()), (program().entry_name(), program().others()));

    for unchanged in [code, CodeChange::Files(edited.sources.clone())] {
        assert_eq!(saved(&store, &session, unchanged).await, edited, "nothing was new");
    }
    let single = Sources::single("new").unwrap();
    let back = saved(&store, &session, CodeChange::Files(single.clone())).await;
    assert_eq!((back.version, back.sources), (4, single));
    let row = code_session::Entity::find_by_id(session.id.as_uuid()).one(store.readers()).await.unwrap().unwrap();
    assert_eq!((row.entry_name, row.other_files), (None, None));
}

async fn a_change_of_any_file_is_a_change(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let mut version = 1;
    for sources in [
        files(&[("a", b"1"), ("b", b"1")]),
        files(&[("a", b"1"), ("b", b"2")]),
        files(&[("a", b"1"), ("c", b"2")]),
        files(&[("d", b"1"), ("c", b"2")]),
        files(&[("d", b"1")]),
        Sources::single("1").unwrap(),
    ] {
        version += 1;
        let saved = saved(&store, &session, CodeChange::Files(sources.clone())).await;
        assert_eq!((saved.version, saved.sources), (version, sources));
    }
}

async fn a_run_takes_the_files_that_come_with_it_or_those_of_the_session(database: TestDatabase) {
    let store = database.open().await;
    let session = session(&store).await;
    let request = AcceptRun { code: Some(CodeChange::Files(program())), work: work(), ..run(&session, 10) };
    let first = store.write(request).await.unwrap().into_head();
    assert_eq!(read(&store, first.id).await.input, input());
    tested(&store, &first).await;
    let second = store.write(run(&session, 70)).await.unwrap().into_head();
    let stored = read(&store, second.id).await;
    assert_eq!((stored.head, stored.input.sources), (second, program()));
}

async fn one_shot_executions_do_not_wait_for_each_other(database: TestDatabase) {
    let store = database.open().await;
    let mut accepted = Vec::new();
    for now in 0..5 {
        accepted.push(one_shot_accepted(&store, now).await.id);
    }
    let queued = store.executions_with_status(Status::Queued, None, 10).await.unwrap();
    assert!(queued.iter().all(|head| head.session.is_none()));
    assert_eq!(queued.into_iter().map(|head| head.id).collect::<Vec<_>>(), accepted);
    assert_eq!(store.input(&TenantId::new("stranger"), accepted[0]).await.unwrap(), None);
}

async fn a_key_of_a_one_shot_execution_stands_for_it(database: TestDatabase) {
    let store = database.open().await;
    let keyed = |request| KeyedRequest { scoped_key: [1; 32], request_hash: [request; 32], expires_at: at(1_000) };
    let request = |hash, now| AcceptOneShot { keyed: Some(keyed(hash)), ..one_shot(now) };
    let Acceptance::New { head: first, .. } = store.write(request(1, 10)).await.unwrap() else { panic!("it is new") };
    assert_eq!(store.write(request(1, 11)).await.unwrap(), Acceptance::Repeated(first));
    let reused = store.write(request(2, 12)).await;
    assert!(matches!(reused, Err(WriteError::Refused(AcceptRefusal::KeyReused))), "{reused:?}");
    assert_eq!(store.executions_with_status(Status::Queued, None, 10).await.unwrap().len(), 1);
}

on_all_databases! {
    whatever_a_request_adds_is_read_as_it_was_written,
    one_file_and_a_plain_run_take_no_more_columns_than_they_need,
    documents_stay_what_they_are,
    a_damaged_document_is_an_error_that_names_its_column,
    lists_do_not_read_documents,
    a_report_reads_nothing_of_what_was_run,
    tests_without_results_are_counted,
    source_code_keeps_the_other_files_and_files_replace_all,
    a_change_of_any_file_is_a_change,
    a_run_takes_the_files_that_come_with_it_or_those_of_the_session,
    one_shot_executions_do_not_wait_for_each_other,
    a_key_of_a_one_shot_execution_stands_for_it,
}
