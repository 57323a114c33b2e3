//! Changes that saves make, and writes of only what changed.

use std::iter::repeat;

use runbay_model::CodeChange;
use runbay_model::LanguageId;
use runbay_model::Session;
use runbay_model::Sources;
use runbay_model::Timestamp;
use sea_orm::ColumnTrait;
use sea_orm::ConnectionTrait;
use sea_orm::DatabaseTransaction;
use sea_orm::EntityTrait;
use sea_orm::QueryFilter;
use sea_orm::Set;
use sea_orm::Value;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::CaseStatement;
use sea_orm::sea_query::Expr;

use crate::StoreError;
use crate::entities::code_session;
use crate::entities::code_session::Column;
use crate::entities::number;

/// A session before and after a change.
pub(super) struct Change {
    pub(super) before: Session,
    pub(super) after: Session,
}

impl Change {
    fn is_only_code(&self) -> bool {
        self.after.language == self.before.language && same_but_code(&self.before.sources, &self.after.sources)
    }
}

/// Returns a session after a change. Returns none when the change makes no difference.
pub(super) fn changed(
    before: &Session,
    language: Option<LanguageId>,
    code: Option<CodeChange>,
    at: Timestamp,
) -> Option<Session> {
    let language = language.filter(|language| *language != before.language);
    let code = code.filter(|code| code.changes(&before.sources));
    if language.is_none() && code.is_none() {
        return None;
    }
    let mut after = before.clone();
    after.version += 1;
    after.updated_at = at;
    if let Some(language) = language {
        after.language = language;
    }
    if let Some(code) = code {
        after.sources = code.applied_to(after.sources);
    }
    Some(after)
}

/// Writes what differs, unless somebody else wrote in between. Returns whether it was written.
pub(super) async fn write(
    connection: &impl ConnectionTrait,
    before: &Session,
    after: &Session,
) -> Result<bool, StoreError> {
    let mut change = code_session::ActiveModel::default();
    if after.sources != before.sources {
        change.set_sources(&after.sources);
        if same_but_code(&before.sources, &after.sources) {
            // The other files may be large.
            change = code_session::ActiveModel { source_code: change.source_code, ..Default::default() };
        }
    }
    if after.language != before.language {
        change.language = Set(after.language.as_str().to_owned());
    }
    change.version = Set(number(after.version));
    change.updated_at = Set(after.updated_at.as_micros());
    let written = code_session::Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(after.id.as_uuid()))
        .filter(Column::Version.eq(number(before.version)))
        .filter(Column::Status.eq(before.status.as_str()))
        .exec(connection)
        .await?;
    Ok(written.rows_affected == 1)
}

/// Writes sessions that this transaction has locked.
///
/// One statement writes all sessions that have only new code, which is what editors send all the time.
pub(super) async fn write_locked(transaction: &DatabaseTransaction, changes: &[Change]) -> Result<(), StoreError> {
    let (of_code, others): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.is_only_code());
    for Change { before, after } in others {
        if !write(transaction, before, after).await? {
            return Err(StoreError::Busy);
        }
    }
    if of_code.is_empty() {
        return Ok(());
    }
    let mut ids: Vec<_> = of_code.iter().map(|change| change.after.id.as_uuid()).collect();
    pad(&mut ids);
    let by_session = |value: fn(&Session) -> Value| {
        let values = of_code.iter().map(|change| value(&change.after));
        // The first case of an id wins.
        let values = values.chain(repeat(value(&of_code[0].after).as_null()));
        let cases = ids.iter().zip(values);
        Expr::Case(Box::new(cases.fold(CaseStatement::new(), |all, (id, value)| all.case(Column::Id.eq(*id), value))))
    };
    let written = code_session::Entity::update_many()
        .col_expr(Column::SourceCode, by_session(|session| session.sources.source_code().into()))
        .col_expr(Column::Version, by_session(|session| number(session.version).into()))
        .col_expr(Column::UpdatedAt, by_session(|session| session.updated_at.as_micros().into()))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .exec(transaction)
        .await?;
    match written.rows_affected == of_code.len() as u64 {
        true => Ok(()),
        false => Err(StoreError::Busy),
    }
}

/// Repeats the last id until the number of ids is a power of two.
///
/// Each number of ids needs a statement of its own, which client and server keep prepared.
pub(super) fn pad(ids: &mut Vec<Uuid>) {
    if let Some(last) = ids.last().copied() {
        ids.resize(ids.len().next_power_of_two(), last);
    }
}

fn same_but_code(one: &Sources, other: &Sources) -> bool {
    one.entry_name() == other.entry_name() && one.others() == other.others()
}

/// Writes what differs and returns the session afterwards. Returns none when somebody else wrote in between.
pub(crate) async fn save(
    connection: &impl ConnectionTrait,
    before: Session,
    language: Option<LanguageId>,
    code: Option<CodeChange>,
    at: Timestamp,
) -> Result<Option<Session>, StoreError> {
    let Some(after) = changed(&before, language, code, at) else {
        return Ok(Some(before));
    };
    Ok(write(connection, &before, &after).await?.then_some(after))
}
