//! Columns for programs of several files, for what a request adds to its run, and for test cases.
//!
//! All of them are null for a program of one file that is run without anything else, so that the common row does not
//! grow and a program of the version before can go on with the table.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

use super::columns::long_text;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in statements(manager.get_database_backend()) {
            manager.alter_table(statement).await?;
        }
        Ok(())
    }
}

/// One statement for each column: SQLite adds no two at once.
fn statements(backend: DbBackend) -> Vec<TableAlterStatement> {
    let session = |column: ColumnDef| Table::alter().table(CodeSessions::Table).add_column(column).take();
    let execution = |column: ColumnDef| Table::alter().table(Executions::Table).add_column(column).take();
    vec![
        session(ColumnDef::new(CodeSessions::EntryName).string_len(LONGEST_NAME).take()),
        session(long_text(CodeSessions::OtherFiles, backend)),
        execution(ColumnDef::new(Executions::EntryName).string_len(LONGEST_NAME).take()),
        execution(long_text(Executions::OtherFiles, backend)),
        execution(long_text(Executions::Environment, backend)),
        execution(long_text(Executions::Limits, backend)),
        execution(long_text(Executions::Tests, backend)),
        execution(long_text(Executions::TestResults, backend)),
    ]
}

const LONGEST_NAME: u32 = 512;

#[derive(DeriveIden)]
enum CodeSessions {
    Table,
    EntryName,
    OtherFiles,
}

#[derive(DeriveIden)]
enum Executions {
    Table,
    EntryName,
    OtherFiles,
    Environment,
    Limits,
    Tests,
    TestResults,
}

#[cfg(test)]
mod tests {
    use runbay_model::FileName;

    use super::*;

    #[test]
    fn every_column_may_be_null_and_has_room() {
        assert!(usize::try_from(LONGEST_NAME).is_ok_and(|longest| longest >= FileName::LONGEST));
        for (backend, text) in
            [(DbBackend::Sqlite, "text"), (DbBackend::Postgres, "text"), (DbBackend::MySql, "longtext")]
        {
            for statement in statements(backend) {
                let sql = backend.build(&statement).sql.to_lowercase().replace(['"', '`'], "");
                let column = sql.split("add column ").nth(1).unwrap_or_else(|| panic!("{sql}"));
                let (name, kind) = column.trim().split_once(' ').unwrap();
                let expected = if name == "entry_name" { "varchar(512)" } else { text };
                assert_eq!(kind, expected, "{sql}");
            }
        }
    }
}
