//! What the document says beyond the types of single members, so that it lets through what the server takes and no more.
//!
//! JSON Schema counts characters where the server counts bytes, and knows neither the languages that are offered nor
//! what is unique in a list; there the server is stricter.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::Schema;
use utoipa::openapi::Type;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::Operation;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::Object;
use utoipa::openapi::schema::SchemaType;

use crate::schema::without_nul;

/// The hyphenated form of an id.
const ID: &str = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";

/// base64 with or without padding. The bits that are left over at its end are zero.
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]={0,2}|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=?)?$";

/// A body that may have code.
struct Body {
    schema: &'static str,
    /// The other name of `source_code`.
    alias: Option<&'static str>,
    /// Whether the code has to be there.
    needs_code: bool,
    /// Whether it says how the code is run.
    runs: bool,
}

const BODIES: [Body; 5] = [
    Body { schema: "CreateSession", alias: Some("template_code"), needs_code: false, runs: false },
    Body { schema: "SaveSession", alias: None, needs_code: false, runs: false },
    Body { schema: "CheckSession", alias: Some("code"), needs_code: false, runs: false },
    Body { schema: "RunSession", alias: Some("code"), needs_code: false, runs: true },
    Body { schema: "CreateExecution", alias: Some("code"), needs_code: true, runs: true },
];

/// Adds to the components what depends on several members of a body.
pub(super) fn tighten_bodies(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    for body in &BODIES {
        body.tighten(object(schemas, body.schema));
    }
    let base64 = json!({"required": ["encoding"], "properties": {"encoding": {"const": "base64"}}});
    let file = object(schemas, "File");
    extend(file, [("if", base64.clone()), ("then", json!({"properties": {"content": {"pattern": BASE64}}}))]);
    let regex = json!({"required": ["match"], "properties": {"match": {"const": "regex"}}});
    let short = json!({"properties": {"expected_stdout": {"format": "regex", "maxLength": 1024}}});
    extend(object(schemas, "TestCase"), [("if", regex), ("then", short)]);
    for body in &BODIES {
        // The first file has the code. Where there is a schema for the first entry, `items` is about the others.
        let content = json!({"maxLength": 65_536, "not": without_nul().get("not")});
        let code = json!({"properties": {"content": content}});
        if let Some(RefOr::T(Schema::Array(files))) = object(schemas, body.schema).properties.get_mut("files") {
            let first = json!([{"$ref": "#/components/schemas/File", "if": base64, "else": code}]);
            files.extensions = Some(Extensions::from_iter([("prefixItems", first)]));
        }
    }
}

/// Gives ids their form, and parameters and headers their plain type: neither of them can be null.
pub(super) fn tighten_parameters(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema else { continue };
        if parameter.parameter_in == ParameterIn::Path {
            schema.pattern = Some(ID.to_owned());
        }
        if let SchemaType::Array(types) = &schema.schema_type
            && let [only] = types.iter().filter(|kind| **kind != Type::Null).collect::<Vec<_>>().as_slice()
        {
            schema.schema_type = SchemaType::Type((*only).clone());
        }
    }
}

impl Body {
    fn tighten(&self, object: &mut Object) {
        if let Some(RefOr::T(Schema::Object(code))) = object.properties.get_mut("source_code") {
            code.extensions = Some(without_nul());
        }
        if let (Some(alias), Some(RefOr::T(Schema::Object(code)))) = (self.alias, object.properties.get("source_code"))
        {
            let mut code = code.clone();
            code.description = Some("The same as `source_code`; one of the two may be there.".to_owned());
            object.properties.insert(alias.to_owned(), RefOr::T(Schema::Object(code)));
            // Not even when one of the two is null.
            extend(object, [("not", json!({"required": ["source_code", alias]}))]);
        }
        extend(object, [("oneOf", Value::Array(self.forms()))]);
        if self.runs {
            let with_tests = json!({"required": ["tests"], "properties": {"tests": {"type": "array"}}});
            let without_input = json!({"properties": {"stdin": {"maxLength": 0}, "args": {"maxItems": 0}}});
            let without_choice = json!({"properties": {"stop_on_failure": {"enum": [false, null]}}});
            extend(object, [("if", with_tests), ("then", without_input), ("else", without_choice)]);
        }
    }

    /// Returns the forms in which the code can be there, of which a body has one.
    fn forms(&self) -> Vec<Value> {
        let members = ["source_code", "files"].into_iter().chain(self.alias);
        let given = |name: Option<&str>| {
            let types = members.clone().map(|member| match member {
                _ if name != Some(member) => (member.to_owned(), json!({"type": "null"})),
                "files" => (member.to_owned(), json!({"type": "array"})),
                _ => (member.to_owned(), json!({"type": "string"})),
            });
            let mut form = json!({"properties": types.collect::<serde_json::Map<_, _>>()});
            if let Some(name) = name {
                form["required"] = json!([name]);
            }
            form
        };
        let without = (!self.needs_code).then(|| given(None));
        members.clone().map(|member| given(Some(member))).chain(without).collect()
    }
}

fn object<'a>(schemas: &'a mut BTreeMap<String, RefOr<Schema>>, name: &str) -> &'a mut Object {
    match schemas.get_mut(name) {
        Some(RefOr::T(Schema::Object(object))) => object,
        _ => unreachable!("{name} is a component with members"),
    }
}

/// Adds keywords of JSON Schema that utoipa has no names for.
fn extend<const N: usize>(object: &mut Object, keywords: [(&str, Value); N]) {
    object.extensions.get_or_insert_default().merge(Extensions::from_iter(keywords));
}
