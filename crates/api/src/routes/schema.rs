//! Schemas of words that the model defines.

use runbay_model::Limits;
use runbay_model::Reason;
use runbay_model::SessionStatus;
use runbay_model::Status;
use utoipa::openapi::Object;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::Type;
use utoipa::openapi::schema::SchemaType;

/// The schema of a session's status.
pub(super) fn session_status() -> Object {
    words([SessionStatus::Active, SessionStatus::Inactive].map(SessionStatus::as_str))
        .description(Some("Whether the session can be saved and run."))
        .build()
}

/// The schema of an execution's status.
pub(super) fn status() -> Object {
    words(Status::ALL.iter().map(|status| status.as_str()))
        .description(Some("Where the execution is in its life cycle."))
        .build()
}

/// The schema of the reason why an execution ended as it did; null after success.
pub(super) fn reason() -> Object {
    let words = Reason::ALL.iter().map(|reason| Some(reason.as_str())).chain([None]);
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(words))
        .description(Some("Why it ended as it did; null after success."))
        .build()
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words))
}

/// The schema of the limits of a run, all of them whole numbers; its example has the defaults.
pub(super) fn limits() -> Object {
    let defaults = serde_json::to_value(Limits::default()).unwrap_or_default();
    let names = defaults.as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let limit = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
    names
        .fold(ObjectBuilder::new().schema_type(Type::Object), |object, name| {
            object.property(name.as_str(), limit()).required(name)
        })
        .description(Some("What a run may use; every value has its unit in its name."))
        .examples([defaults])
        .build()
}
