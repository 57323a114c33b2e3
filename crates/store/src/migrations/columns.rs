//! Tables and columns that need a word per database.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::Alias;
use sea_orm_migration::prelude::ColumnDef;
use sea_orm_migration::prelude::IntoIden;
use sea_orm_migration::prelude::Table;
use sea_orm_migration::prelude::TableCreateStatement;

/// Makes a table in which two texts are equal only if all their bytes are.
pub(super) fn exact_table(name: impl IntoIden, backend: DbBackend) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name.into_iden());
    if backend == DbBackend::MySql {
        // Otherwise the server decides, and may take "Python" for "python" and "é" for "e".
        table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table
}

/// Makes a column for bytes of any length; a plain BLOB of MySQL ends at 64 KiB.
pub(super) fn long_bytes(name: impl IntoIden, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::MySql => column.custom(Alias::new("LONGBLOB")),
        _ => column.blob(),
    };
    column
}

/// Makes a column for text of any length; a plain TEXT of MySQL ends at 64 KiB.
pub(super) fn long_text(name: impl IntoIden, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::MySql => column.custom(Alias::new("LONGTEXT")),
        _ => column.text(),
    };
    column
}
