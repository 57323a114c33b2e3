//! Changes of tables that may be repeated.
//!
//! MySQL and MariaDB commit each change separately, so an interrupted migration meets its own earlier changes.

use sea_orm::DbErr;
use sea_orm_migration::prelude::ColumnDef;
use sea_orm_migration::prelude::IndexCreateStatement;
use sea_orm_migration::prelude::SchemaManager;
use sea_orm_migration::prelude::Table;
use sea_orm_migration::prelude::TableCreateStatement;

/// Makes a table unless one of this name exists.
pub(super) async fn create_table(manager: &SchemaManager<'_>, mut table: TableCreateStatement) -> Result<(), DbErr> {
    manager.create_table(table.if_not_exists().take()).await
}

/// Makes an index unless the table has one of this name.
pub(super) async fn create_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    name: &'static str,
    mut index: IndexCreateStatement,
) -> Result<(), DbErr> {
    if manager.has_index(table, name).await? {
        return Ok(());
    }
    manager.create_index(index.table(table).name(name).take()).await
}

/// Adds a column unless the table has one of this name.
pub(super) async fn add_column(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: ColumnDef,
) -> Result<(), DbErr> {
    if manager.has_column(table, column.get_column_name()).await? {
        return Ok(());
    }
    // One at a time, because SQLite adds only one column in a statement.
    manager.alter_table(Table::alter().table(table).add_column(column).take()).await
}
