//! Column types that need a word per database.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::Alias;
use sea_orm_migration::prelude::ColumnDef;
use sea_orm_migration::prelude::IntoIden;

/// A column for bytes of any length; a plain BLOB of MySQL ends at 64 KiB.
pub(super) fn long_bytes(name: impl IntoIden, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::MySql => column.custom(Alias::new("LONGBLOB")),
        _ => column.blob(),
    };
    column
}

/// A column for text of any length; a plain TEXT of MySQL ends at 64 KiB.
pub(super) fn long_text(name: impl IntoIden, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::MySql => column.custom(Alias::new("LONGTEXT")),
        _ => column.text(),
    };
    column
}
