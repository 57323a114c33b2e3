//! Migrations that add one column each. The column is null in older rows.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

use super::once::add_column;

/// Adds one column to one table.
pub(super) struct AddedColumn {
    /// The name of the migration, which is kept in the database.
    step: &'static str,
    table: &'static str,
    column: fn(DbBackend) -> ColumnDef,
}

/// All such migrations, oldest first. New ones go to the end.
pub(super) const STEPS: [AddedColumn; 4] = [
    // The time of a session's last run. Without it, a session that is run but not saved would count as unused.
    AddedColumn {
        step: "m0005_last_runs",
        table: "code_sessions",
        column: |_| ColumnDef::new("last_run_at").big_integer().take(),
    },
    // The version of the session that a run took, by which an editor tells whether it has the same.
    AddedColumn {
        step: "m0006_session_versions",
        table: "executions",
        column: |_| ColumnDef::new("session_version").big_integer().take(),
    },
    // How a person takes part in a run.
    AddedColumn {
        step: "m0007_interactions",
        table: "executions",
        column: |_| ColumnDef::new("interaction").string_len(32).take(),
    },
    // The order in which a program wrote to its two streams.
    AddedColumn {
        step: "m0008_output_order",
        table: "executions",
        column: |_| ColumnDef::new("output_order").text().take(),
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
