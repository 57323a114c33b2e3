//! Queries for lists that are read page by page.

use runbay_model::PageRequest;
use sea_orm::ColumnTrait;
use sea_orm::Condition;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::QueryOrder;
use sea_orm::QuerySelect;
use sea_orm::Select;

/// Limits a query to one page, newest first. One more entry shows whether there is another page.
pub(crate) fn newest_first<E: EntityTrait>(
    query: Select<E>,
    created_at: E::Column,
    id: E::Column,
    page: PageRequest,
) -> Select<E> {
    let query = match page.after {
        Some(after) => {
            let created = after.created_at.as_micros();
            // Both conditions together select what comes after this pair. The first one lets every database start in
            // the index.
            query
                .filter(created_at.lte(created))
                .filter(Condition::any().add(created_at.lt(created)).add(id.lt(after.id)))
        }
        None => query,
    };
    let limit = u64::try_from(page.limit).unwrap_or(u64::MAX).saturating_add(1);
    query.order_by_desc(created_at).order_by_desc(id).limit(limit)
}
