//! How the databases find rows: queries begin in an index and sort nothing, however many rows there are.

use std::time::Duration;

use runbay_model::PageRequest;
use runbay_model::Position;
use sea_orm::ColumnTrait;
use sea_orm::QueryFilter;
use sea_orm::QueryTrait;
use sea_orm::Select;

use super::*;
use crate::entities::code_session;
use crate::executions::queries;
use crate::page::newest_first;
use crate::retention::ended_before;

/// Adds enough rows for a planner to prefer an index. Few of them are queued, running or dead letters. Each session
/// has few rows, so a planner assumes that of every session, even of one with many.
async fn fill(database: &TestDatabase) {
    let connection = database.raw().await;
    let id = match connection.get_database_backend() {
        DbBackend::Sqlite => "randomblob(16)",
        DbBackend::Postgres => "gen_random_uuid()",
        _ => "UNHEX(MD5(n))",
    };
    let digits = (1..10).fold("SELECT 0 AS d".to_owned(), |digits, digit| format!("{digits} UNION ALL SELECT {digit}"));
    let rows = format!(
        "(SELECT ones.d + 10 * tens.d + 100 * hundreds.d + 1000 * thousands.d AS n FROM ({digits}) AS ones, \
         ({digits}) AS tens, ({digits}) AS hundreds, ({digits}) AS thousands) AS numbers"
    );
    let sessions = format!(
        "INSERT INTO code_sessions (id, tenant_id, language, source_code, status, version, created_at, updated_at) \
         SELECT {id}, 'default', 'python', '1', 'ACTIVE', 1, n, n FROM {rows}"
    );
    let executions = format!(
        "INSERT INTO executions (id, tenant_id, session_id, language, source_code, stdin, args, status, attempt, \
         attempts_returned, lease_owner, created_at, queued_at, completed_at, dead_lettered_at, stdout_truncated, \
         stderr_truncated) \
         SELECT {id}, 'default', \
         (SELECT id FROM code_sessions WHERE tenant_id = 'default' AND created_at = n - n % 5), 'python', '1', '0', '[]', \
         CASE WHEN n % 100 = 1 THEN 'QUEUED' WHEN n % 100 = 2 THEN 'RUNNING' ELSE 'COMPLETED' END, 1, 0, \
         CASE WHEN n % 100 = 2 THEN {id} END, n, n, CASE WHEN n % 100 > 2 THEN n END, \
         CASE WHEN n % 100 = 3 THEN n END, false, false FROM {rows}"
    );
    let (analyse, vacuum): (&[&str], _) = match connection.get_database_backend() {
        DbBackend::MySql => (&["ANALYZE TABLE executions", "ANALYZE TABLE code_sessions"], None),
        DbBackend::Postgres => (&["ANALYZE"], Some("VACUUM executions")),
        _ => (&["ANALYZE"], None),
    };
    for statement in [sessions.as_str(), &executions].iter().chain(analyse).chain(vacuum.iter()) {
        connection.execute_unprepared(statement).await.unwrap();
    }
}

/// Returns how the database would run a query, in its own words.
async fn plan<E: EntityTrait>(store: &Store, query: Select<E>) -> String {
    let backend = store.readers().get_database_backend();
    let mut statement = query.build(backend);
    let (word, columns): (_, &[&str]) = match backend {
        DbBackend::Sqlite => ("EXPLAIN QUERY PLAN", &["detail"]),
        DbBackend::Postgres => ("EXPLAIN", &["QUERY PLAN"]),
        _ => ("EXPLAIN", &["table", "type", "key", "Extra"]),
    };
    statement.sql = format!("{word} {}", statement.sql);
    let rows = store.readers().query_all_raw(statement).await.unwrap();
    let cell = |row: &sea_orm::QueryResult, column: &&str| row.try_get::<Option<String>>("", column).unwrap();
    rows.iter()
        .flat_map(|row| columns.iter().filter_map(move |column| cell(row, column)))
        .collect::<Vec<_>>()
        .join("; ")
}

async fn every_query_begins_in_its_index(database: TestDatabase) {
    let store = database.open().await;
    fill(&database).await;
    let tenant = TenantId::default();
    let page = PageRequest { after: Some(Position { created_at: at(5_000), id: Uuid::nil() }), limit: 20 };
    let after = Some((at(5_000), ExecutionId::from_uuid(Uuid::nil())));
    let session = SessionId::random();
    let backend = store.readers().get_database_backend();

    let sessions = code_session::Entity::find().filter(code_session::Column::TenantId.eq("default"));
    let sessions = newest_first(sessions, code_session::Column::CreatedAt, code_session::Column::Id, page);
    let sessions = plan(&store, sessions).await;
    assert!(sessions.contains("ix_code_sessions_tenant_created"), "{sessions}");

    use execution::Column;
    let of_session = queries::of_session(&tenant, session);
    let dead_letters = newest_first(queries::of_tenant(&tenant), Column::DeadLetteredAt, Column::Id, page);
    let plans = [
        ("ix_executions_session_created", newest_first(of_session, Column::CreatedAt, Column::Id, page)),
        ("ix_executions_session_created", queries::nth_newest_query(session, 59, Duration::from_secs(60), at(0))),
        ("ix_executions_status_created", queries::with_status(Status::Queued, after, 500)),
        ("ix_executions_status_created", queries::queued()),
        ("ix_executions_dead_letters", dead_letters),
        ("ix_executions_completed", ended_before(at(100), 500)),
        ("ix_executions_lease_owner", queries::stopping(500)),
        ("ix_executions_", queries::expired(backend, Duration::from_secs(10), 500)),
    ];
    for (index, query) in plans {
        let plan = plan(&store, query).await;
        assert!(plan.contains(index), "{index}: {plan}");
        // The words of plans that sort, then those of plans that read all rows.
        for word in ["TEMP B-TREE", "Sort", "filesort", "Seq Scan on executions", "executions; ALL", "SCAN executions"]
        {
            assert!(!plan.contains(word), "{index}: {plan}");
        }
    }
    let count = plan(&store, queries::queued()).await;
    assert!(["COVERING INDEX", "Index Only Scan", "Using index"].iter().any(|word| count.contains(word)), "{count}");
}

on_all_databases! {
    every_query_begins_in_its_index,
}
