//! Columns for programs of several files, for what a request adds to its run, and for test cases.
//!
//! All of them are null for a plain run of one file. The usual row therefore does not grow, and the previous version of
//! the program can still use the table.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

use super::columns::long_text;
use super::once::add_column;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in columns(manager.get_database_backend()) {
            add_column(manager, table, column).await?;
        }
        Ok(())
    }
}

fn columns(backend: DbBackend) -> [(&'static str, ColumnDef); 8] {
    let name = |name| ColumnDef::new::<Column>(name).string_len(LONGEST_NAME).take();
    [
        ("code_sessions", name(Column::EntryName)),
        ("code_sessions", long_text(Column::OtherFiles, backend)),
        ("executions", name(Column::EntryName)),
        ("executions", long_text(Column::OtherFiles, backend)),
        ("executions", long_text(Column::Environment, backend)),
        ("executions", long_text(Column::Limits, backend)),
        ("executions", long_text(Column::Tests, backend)),
        ("executions", long_text(Column::TestResults, backend)),
    ]
}

const LONGEST_NAME: u32 = 512;

#[derive(DeriveIden)]
enum Column {
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
            for (table, column) in columns(backend) {
                let sql = backend
                    .build(Table::alter().table(table).add_column(column))
                    .sql
                    .to_lowercase()
                    .replace(['"', '`'], "");
                let column = sql.split("add column ").nth(1).unwrap_or_else(|| panic!("{sql}"));
                let (name, kind) = column.trim().split_once(' ').unwrap();
                let expected = if name == "entry_name" { "varchar(512)" } else { text };
                assert_eq!(kind, expected, "{sql}");
            }
        }
    }
}
