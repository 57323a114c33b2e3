//! Steps that add one column each; the column is null in the rows that were written before.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

use super::once::add_column;

/// Adds one column to one table.
pub(super) struct AddedColumn {
    /// The name of the step, which is kept in the database.
    step: &'static str,
    table: &'static str,
    column: fn(DbBackend) -> ColumnDef,
}

/// All such steps, oldest first; new ones go to the end.
pub(super) const STEPS: [AddedColumn; 1] = [
    // When a session was last run, so that one in use is not taken for one that nobody needs.
    AddedColumn {
        step: "m0005_last_runs",
        table: "code_sessions",
        column: |_| ColumnDef::new("last_run_at").big_integer().take(),
    },
];

impl MigrationName for AddedColumn {
    fn name(&self) -> &str {
        self.step
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddedColumn {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add_column(manager, self.table, (self.column)(manager.get_database_backend())).await
    }
}
