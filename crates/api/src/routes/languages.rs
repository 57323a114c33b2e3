//! `GET /languages`

use std::collections::BTreeMap;

use axum::extract::State;
use runbay_model::Language;
use runbay_model::LimitRanges;
use runbay_model::Limits;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Json;
use crate::schema;
use crate::state::Api;

/// The languages that are offered.
#[derive(Serialize, ToSchema)]
pub(super) struct Languages {
    /// In the order of the recipes.
    languages: Vec<LanguageBody>,
    /// Between what a request may choose each limit.
    #[schema(value_type = schema::LimitRanges)]
    limit_ranges: BTreeMap<&'static str, RangeBody>,
}

/// Between what a request may choose a limit.
#[derive(Serialize)]
struct RangeBody {
    least: u64,
    most: u64,
}

/// A language that this server can run.
#[derive(Serialize, ToSchema)]
#[schema(as = Language)]
struct LanguageBody {
    /// The id that answers carry.
    #[schema(example = "python")]
    id: String,
    /// The name for people.
    #[schema(example = "Python")]
    name: String,
    /// Other exact names that requests may use.
    #[schema(example = json!(["py", "python3"]))]
    aliases: Vec<String>,
    /// The version found on this host.
    #[schema(example = "3.11.2")]
    version: String,
    /// The code of a session that is opened without any.
    #[schema(example = "print(\"Hello, World!\")\n")]
    template: String,
    /// The name of the first file of a program that is sent as `source_code`.
    #[schema(example = "main.py")]
    entry: String,
    /// Whether its code is compiled before it is run.
    compiled: bool,
    /// Whether `POST /code-sessions/{session_id}/check` can check its code.
    check: bool,
    /// Whether it has a prompt of its own, for runs with `repl`.
    repl: bool,
    /// What a run may use; every value has its unit in its name.
    #[schema(value_type = schema::RunLimits)]
    limits: Limits,
}

impl From<&Language> for LanguageBody {
    fn from(language: &Language) -> Self {
        Self {
            id: language.id.to_string(),
            name: language.name.clone(),
            aliases: language.aliases.clone(),
            version: language.version.clone(),
            template: language.template.clone(),
            entry: language.entry.clone(),
            compiled: language.is_compiled,
            check: language.has_checker,
            repl: language.has_repl,
            limits: language.limits,
        }
    }
}

/// Lists the languages that this server offers.
#[utoipa::path(
    get,
    path = "/languages",
    tag = "languages",
    responses((status = 200, description = "The languages.", body = Languages)),
)]
pub(super) async fn list_languages(State(api): State<Api>) -> Json<Languages> {
    let languages = api.engine().catalog().languages().iter().map(LanguageBody::from).collect();
    Json(Languages { languages, limit_ranges: ranges(api.engine().limit_ranges()) })
}

fn ranges(LimitRanges { least, most }: &LimitRanges) -> BTreeMap<&'static str, RangeBody> {
    let range = |name| Some(RangeBody { least: least.get(name)?, most: most.get(name)? });
    Limits::NAMES.iter().filter_map(|name| Some((*name, range(name)?))).collect()
}
