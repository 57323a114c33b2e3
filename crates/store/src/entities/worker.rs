//! The table `workers`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workers")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) version: String,
    /// The number of slots. 0 means that the worker has stopped.
    pub(crate) slots: i64,
    pub(crate) running: i64,
    /// A JSON document. Its format belongs to the writer of the row.
    #[sea_orm(column_type = "Text")]
    pub(crate) languages: String,
    pub(crate) started_at: i64,
    /// The time of the last renewal, by the clock of the database.
    pub(crate) last_seen_at: i64,
    pub(crate) draining: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
