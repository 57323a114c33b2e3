//! Schemas of words and limits that the model defines, each a component with a name.

use std::borrow::Cow;

use runbay_model::Comparison;
use runbay_model::Limits;
use runbay_model::MAX_ARGUMENT_BYTES;
use runbay_model::MAX_ARGUMENTS;
use runbay_model::MAX_VARIABLE_BYTES;
use runbay_model::MAX_VARIABLES;
use runbay_model::Reason;
use runbay_model::Status;
use runbay_model::TestVerdict;
use serde::Serialize;
use utoipa::PartialSchema;
use utoipa::ToSchema;
use utoipa::openapi::Array;
use utoipa::openapi::ArrayBuilder;
use utoipa::openapi::Object;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::RefOr;
use utoipa::openapi::Schema;
use utoipa::openapi::Type;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::schema::SchemaType;

/// The keyword `not` for texts that end at U+0000 for the kernel or a compiler.
///
/// As a pattern of all other texts it would say the same, but checkers that make texts for it take minutes.
pub(crate) fn without_nul() -> Extensions {
    Extensions::from_iter([("not", serde_json::json!({"type": "string", "pattern": "\\u0000"}))])
}

macro_rules! components {
    ($($(#[$doc:meta])* $name:ident = $schema:expr;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed(stringify!($name))
                }
            }

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    RefOr::T(Schema::Object($schema))
                }
            }
        )*
    };
}

components! {
    /// A session's status.
    SessionStatus = words([runbay_model::SessionStatus::Active, runbay_model::SessionStatus::Inactive].map(runbay_model::SessionStatus::as_str))
        .description(Some("Whether the session can be saved and run."))
        .build();

    /// An execution's status.
    ExecutionStatus = words(Status::ALL.iter().map(|status| status.as_str()))
        .description(Some("Where the execution is in its life cycle."))
        .build();

    /// The reason for the end of an execution.
    EndReason = words(Reason::ALL.iter().map(|reason| reason.as_str()))
        .description(Some("Why an execution ended otherwise than well."))
        .build();

    /// How urgent an execution is.
    Priority = words(runbay_model::Priority::ALL.iter().map(|priority| priority.as_str()))
        .description(Some(
            "How urgent it is beside other executions that wait. Of the turns of a session or tenant, `high` gets four \
             where `normal` gets two and `low` one; none waits for ever.",
        ))
        .build();

    /// A signal for a program.
    SignalName = words(runbay_model::ProgramSignal::ALL.iter().map(|signal| signal.as_str()))
        .description(Some("A signal for the program, as in signal(7)."))
        .build();

    /// How bad a finding of a checker is.
    Severity = serialized([runbay_model::Severity::Error, runbay_model::Severity::Warning, runbay_model::Severity::Note])
        .description(Some("How bad it is."))
        .build();

    /// How output is compared with what is expected.
    OutputComparison = serialized([Comparison::Trimmed, Comparison::Exact, Comparison::Tokens, Comparison::Regex])
        .description(Some(
            "How exactly. `trimmed`, which is the default: blanks at the end of each line, and empty lines at the end, \
             do not count. `exact`: every byte counts. `tokens`: only the words count, not the blanks and line ends \
             between them. `regex`: a regular expression for the whole output, blanks at its end aside.",
        ))
        .build();

    /// The verdict on a test case.
    Verdict = serialized([TestVerdict::Passed, TestVerdict::Failed, TestVerdict::Error, TestVerdict::Skipped])
        .description(Some(
            "`passed`: the program ended well and wrote what was expected. `failed`: it ended well and wrote something \
             else. `error`: it did not end well, see `reason`. `skipped`: it was not run.",
        ))
        .build();

    /// The limits of a run, all of them whole numbers; its example has the defaults.
    RunLimits = limits();

    /// The limits that a request chooses.
    ChosenLimits = chosen_limits();

    /// The ranges of all limits.
    LimitRanges = limit_ranges();
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

fn limits() -> Object {
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

fn chosen_limits() -> Object {
    let runbay_model::LimitRanges { least, most } = runbay_model::LimitRanges::default();
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

fn limit_ranges() -> Object {
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

/// The schema of command line arguments.
pub(crate) fn arguments() -> Array {
    let argument = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(MAX_ARGUMENT_BYTES))
        .extensions(Some(without_nul()));
    ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
        .items(argument)
        .max_items(Some(MAX_ARGUMENTS))
        .description(Some("Command line arguments, at most 64 with 16 KiB together."))
        .build()
}

/// The schema of environment variables.
pub(crate) fn environment() -> Object {
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z_][A-Za-z0-9_]*$"));
    let value = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(MAX_VARIABLE_BYTES))
        .extensions(Some(without_nul()));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .property_names(Some(name))
        .additional_properties(Some(value))
        .max_properties(Some(MAX_VARIABLES))
        .description(Some(
            "Environment variables of the program, at most 64 with 16 KiB together; a compiler does not see them.",
        ))
        .examples([serde_json::json!({"LANG": "C.UTF-8"})])
        .build()
}
