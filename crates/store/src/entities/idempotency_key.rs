//! The table `idempotency_keys`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "Binary(32)")]
    pub(crate) scoped_key: Vec<u8>,
    #[sea_orm(column_type = "Binary(32)")]
    pub(crate) request_hash: Vec<u8>,
    /// The execution or session that the request led to; its scope says which. The column is older than keys of
    /// sessions.
    #[sea_orm(column_name = "execution_id")]
    pub(crate) led_to: Uuid,
    pub(crate) expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
