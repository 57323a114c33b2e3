//! Schemas of words that the model defines.

use runbay_model::Comparison;
use runbay_model::LimitRanges;
use runbay_model::Limits;
use runbay_model::Priority;
use runbay_model::Reason;
use runbay_model::SessionStatus;
use runbay_model::Severity;
use runbay_model::Status;
use runbay_model::TestVerdict;
use serde::Serialize;
use utoipa::openapi::Object;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::Type;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::schema::SchemaType;

/// The schema of a session's status.
pub(crate) fn session_status() -> Object {
    words([SessionStatus::Active, SessionStatus::Inactive].map(SessionStatus::as_str))
        .description(Some("Whether the session can be saved and run."))
        .build()
}

/// The schema of an execution's status.
pub(crate) fn status() -> Object {
    words(Status::ALL.iter().map(|status| status.as_str()))
        .description(Some("Where the execution is in its life cycle."))
        .build()
}

/// The schema of the reason for the end of an execution; null after success.
pub(crate) fn reason() -> Object {
    let words = Reason::ALL.iter().map(|reason| Some(reason.as_str())).chain([None]);
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(words))
        .description(Some("Why it ended as it did; null after success."))
        .build()
}

/// The schema of how urgent an execution is.
pub(crate) fn priority() -> Object {
    words(Priority::ALL.iter().map(|priority| priority.as_str()))
        .description(Some(
            "How urgent it is beside other executions that wait. Of the turns of a session or tenant, `high` gets four \
             where `normal` gets two and `low` one; none waits for ever.",
        ))
        .default(Some(Priority::default().as_str().into()))
        .build()
}

/// The schema of how bad a finding of a checker is.
pub(crate) fn severity() -> Object {
    serialized([Severity::Error, Severity::Warning, Severity::Note]).description(Some("How bad it is.")).build()
}

/// The schema of how output is compared with what is expected.
pub(crate) fn comparison() -> Object {
    serialized([Comparison::Trimmed, Comparison::Exact, Comparison::Tokens, Comparison::Regex])
        .description(Some(
            "How exactly. `trimmed`, which is the default: blanks at the end of each line, and empty lines at the end, \
             do not count. `exact`: every byte counts. `tokens`: only the words count, not the blanks and line ends \
             between them. `regex`: a regular expression for the whole output, blanks at its end aside.",
        ))
        .default(Some(word(Comparison::default()).into()))
        .build()
}

/// The schema of the verdict on a test case.
pub(crate) fn test_verdict() -> Object {
    serialized([TestVerdict::Passed, TestVerdict::Failed, TestVerdict::Error, TestVerdict::Skipped])
        .description(Some(
            "`passed`: the program ended well and wrote what was expected. `failed`: it ended well and wrote something \
             else. `error`: it did not end well, see `reason`. `skipped`: it was not run.",
        ))
        .build()
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words))
}

fn serialized<T: Serialize>(values: impl IntoIterator<Item = T>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values.into_iter().map(word)))
}

fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The schema of the limits of a run, all of them whole numbers; its example has the defaults.
pub(crate) fn limits() -> Object {
    let limit = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
    Limits::NAMES
        .iter()
        .fold(ObjectBuilder::new().schema_type(Type::Object), |object, name| {
            object.property(*name, limit()).required(*name)
        })
        .description(Some("What a run may use; every value has its unit in its name."))
        .examples(serde_json::to_value(Limits::default()).ok())
        .build()
}

/// The schema of the limits that a request chooses.
pub(crate) fn chosen_limits() -> Object {
    let LimitRanges { least, most } = LimitRanges::default();
    let limit = |name| {
        let limit = ObjectBuilder::new().schema_type(Type::Integer);
        limit.minimum(least.get(name)).maximum(most.get(name)).build()
    };
    Limits::NAMES
        .iter()
        .fold(ObjectBuilder::new().schema_type(Type::Object), |object, name| object.property(*name, limit(name)))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .description(Some(
            "Limits in place of those of the language. `GET /languages` has the ranges of this server, which may be \
             others than these.",
        ))
        .examples([serde_json::json!({"wall_time_ms": 2000})])
        .build()
}

/// The schema of the ranges of all limits.
pub(crate) fn limit_ranges() -> Object {
    let bound = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
    let range = || {
        let range = ObjectBuilder::new().schema_type(Type::Object);
        range.property("least", bound()).required("least").property("most", bound()).required("most").build()
    };
    Limits::NAMES
        .iter()
        .fold(ObjectBuilder::new().schema_type(Type::Object), |object, name| {
            object.property(*name, range()).required(*name)
        })
        .description(Some("Between what a request may choose each limit."))
        .build()
}
