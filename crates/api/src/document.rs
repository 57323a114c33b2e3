//! The OpenAPI document.

mod strict;

use std::mem;

use utoipa::OpenApi;
use utoipa::ToResponse;
use utoipa::openapi::ContentBuilder;
use utoipa::openapi::Ref;
use utoipa::openapi::RefOr;
use utoipa::openapi::Response;
use utoipa::openapi::ResponseBuilder;
use utoipa::openapi::Schema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::schema::AnyOfBuilder;
use utoipa_axum::router::OpenApiRouter;

use crate::problem;
use crate::problem::Code;
use crate::problem::Problem;
use crate::problem::ProblemDocument;
use crate::routes;
use crate::routes::executions::query::Encoding;
use crate::routes::executions::query::Include;
use crate::schema::SignalName;
use crate::state::Api;

/// The parts of the document that belong to no single route.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Runbay",
        description = "Live code execution: open a session, save code, run it in a sandbox, read what came of it.\n\n\
            Every path is also served under `/api`; there, executions carry `executionTime` as well. \
            Every error is a problem document (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/"), (url = "/api", description = "The same routes for clients that expect this prefix")),
    tags(
        (name = "sessions", description = "Editable code in one language"),
        (name = "executions", description = "Runs of one snapshot of code"),
        (name = "languages", description = "What can be run here"),
        (name = "operations", description = "For those who keep the service up"),
    ),
    // Parameters do not add their own schemas.
    components(responses(Problem), schemas(ProblemDocument, Encoding, Include, SignalName)),
)]
struct Frame;

/// The operations whose bodies have a required member.
const NEED_THEIR_BODY: [&str; 2] = ["create_execution", "create_executions"];

/// Returns the OpenAPI 3.1 document of every route.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let all = OpenApiRouter::<Api>::with_openapi(Frame::openapi())
        .merge(routes::routes().merged())
        .merge(routes::operations().merged());
    let mut document = all.into_openapi();
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            if let Some(RefOr::T(body)) = &mut operation.request_body
                && !operation.operation_id.as_deref().is_some_and(|id| NEED_THEIR_BODY.contains(&id))
            {
                // All members of the other bodies are optional, and an empty body counts as an empty object.
                body.required = None;
            }
            strict::tighten_parameters(operation);
            // The layers around a route may refuse its requests, and any route may fail.
            operation.responses.responses.insert("default".to_owned(), RefOr::Ref(problem_reference()));
        }
    }
    if let Some(components) = &mut document.components {
        // The data of one type of event may have the members of another one as well.
        if let Some(RefOr::T(Schema::OneOf(data))) = components.schemas.get_mut("EventData") {
            let any = AnyOfBuilder::new().description(data.description.clone());
            let any = mem::take(&mut data.items).into_iter().fold(any, AnyOfBuilder::item);
            components.schemas.insert("EventData".to_owned(), RefOr::T(Schema::AnyOf(any.build())));
        }
        strict::tighten_bodies(&mut components.schemas);
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete].into_iter().filter_map(Option::as_mut)
}

fn problem_reference() -> Ref {
    let (name, _) = Problem::response();
    Ref::from_response_name(name)
}

impl<'r> ToResponse<'r> for Problem {
    fn response() -> (&'r str, RefOr<Response>) {
        let codes: Vec<String> = Code::documented()
            .map(|code| format!("| {} | `{code}` | {} |", code.status().as_u16(), code.title()))
            .collect();
        let description = format!(
            "A problem document (RFC 9457).\n\n| status | code | title |\n| --- | --- | --- |\n{}",
            codes.join("\n")
        );
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().description(description).content(problem::MEDIA_TYPE, content).build();
        ("Problem", RefOr::T(response))
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;
    use std::path::Path;

    use serde_json::Value;
    use utoipa::openapi::Components;

    use super::*;

    #[test]
    fn the_checked_in_document_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        // As a value, since utoipa writes some members in another order each time.
        let current = serde_json::to_value(document()).unwrap();
        if env::var_os("UPDATE_OPENAPI").is_some() {
            fs::write(&path, serde_json::to_string_pretty(&current).unwrap() + "\n").unwrap();
        }
        let checked_in: Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap_or_default()).unwrap_or_default();
        assert!(checked_in == current, "docs/openapi.json is stale: run this test with UPDATE_OPENAPI=1");
    }

    #[test]
    fn every_operation_is_named_once_and_described() {
        let mut document = document();
        let mut names = Vec::new();
        for item in document.paths.paths.values_mut() {
            for operation in operations(item) {
                assert!(operation.summary.is_some(), "{:?} has no summary", operation.operation_id);
                names.extend(operation.operation_id.clone());
            }
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(count >= 16, "{names:?}");
        assert!(NEED_THEIR_BODY.iter().all(|id| names.iter().any(|name| name == id)), "{names:?}");
    }

    /// Calls `visit` with each object of a document and with the name of the component that it is in.
    fn each_object(value: &Value, depth: usize, visit: &mut impl FnMut(usize, &serde_json::Map<String, Value>)) {
        match value {
            Value::Object(members) => {
                visit(depth, members);
                members.values().for_each(|member| each_object(member, depth + 1, visit));
            }
            Value::Array(entries) => entries.iter().for_each(|entry| each_object(entry, depth + 1, visit)),
            _ => {}
        }
    }

    #[test]
    fn every_list_of_words_is_a_component() {
        let document = serde_json::to_value(document()).unwrap();
        each_object(&document["paths"], 0, &mut |_, object| assert!(!object.contains_key("enum"), "{object:?}"));
        each_object(&document["components"]["schemas"], 0, &mut |depth, object| {
            let of_words =
                object.get("enum").is_some_and(|words| words.as_array().unwrap().iter().any(Value::is_string));
            assert!(!of_words || depth == 1, "{object:?}");
        });
        let code = &document["components"]["schemas"]["Problem"]["properties"]["code"];
        assert!(
            code["enum"].is_null() && code["description"].as_str().unwrap().contains("`version_conflict`"),
            "{code}"
        );
    }

    #[test]
    fn every_reference_has_its_component() {
        let document = document();
        let json = document.to_json().unwrap();
        let components: Components = document.components.unwrap();
        for (kind, names) in [
            ("schemas", components.schemas.keys().collect::<Vec<_>>()),
            ("responses", components.responses.keys().collect::<Vec<_>>()),
        ] {
            for reference in json.split(&format!("#/components/{kind}/")).skip(1) {
                let name = reference.split('"').next().unwrap();
                assert!(names.iter().any(|known| *known == name), "{kind}/{name} is referenced and missing");
            }
        }
    }
}
