use runbay_model::Limits;
use runbay_model::Sources;
use runbay_model::TenantId;

use super::*;
use crate::installed::Installed;
use crate::probe::Found;
use crate::recipe::Recipe;

const RECIPE: &str = r#"
id = "lisp"
name = "Lisp"
entry = "main.lisp"
sources = ["lisp"]
version = ["lisp"]
template = ""
support = ["a"]
[compile]
argv = ["lispc", "{sources}"]
artefact = "program"
environment = { A = "1" }
[run]
argv = ["{artefact}"]
"#;

/// Everything that a key depends on.
#[derive(Clone)]
struct Inputs {
    tenant: TenantId,
    recipe: String,
    support: &'static str,
    version: &'static str,
    compiler: String,
    files: Vec<(&'static str, &'static str)>,
    limits: Limits,
}

fn inputs() -> Inputs {
    Inputs {
        tenant: TenantId::default(),
        recipe: RECIPE.to_owned(),
        support: "s",
        version: "1.0",
        compiler: "/usr/bin/lispc".to_owned(),
        files: vec![("main.lisp", "(a)"), ("b.lisp", "(b)")],
        limits: Limits::default(),
    }
}

fn key_with(inputs: &Inputs, sharing: Sharing) -> Key {
    let support = |_: &str| Ok(Some(inputs.support.as_bytes().to_vec()));
    let recipe = Recipe::parse("lisp.toml", &inputs.recipe, support).unwrap();
    let found = Found {
        version: inputs.version.to_owned(),
        programs: vec!["/usr/bin/lisp".to_owned()],
        compiler: Some(inputs.compiler.clone()),
        runtime: None,
        checker: Ok(None),
    };
    let files = inputs.files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
    let sources = Sources::of_files(files).unwrap();
    let stage = recipe.compile.clone().unwrap();
    let invocation = recipe.compile_invocation(&stage, &inputs.compiler, &sources, &inputs.limits);
    let installed = Installed { recipe, found, limits: Limits::default() };
    let request =
        CompileRequest { tenant: &inputs.tenant, installed: &installed, sources: &sources, limits: &inputs.limits };
    Key::of(&request, &invocation, sharing)
}

fn key(inputs: &Inputs) -> Key {
    key_with(inputs, Sharing::Tenant)
}

/// Asserts that a change gives another key.
fn assert_matters(what: &str, change: impl FnOnce(&mut Inputs)) {
    let mut changed = inputs();
    change(&mut changed);
    assert_ne!(key(&changed), key(&inputs()), "{what}");
}

#[test]
fn the_same_has_the_same_key() {
    assert_eq!(key(&inputs()), key(&inputs()));
}

#[test]
fn all_that_decides_matters() {
    assert_matters("version", |inputs| inputs.version = "1.1");
    assert_matters("compiler", |inputs| inputs.compiler = "/usr/local/bin/lispc".to_owned());
    assert_matters("support files", |inputs| inputs.support = "t");
    assert_matters("arguments", |inputs| inputs.recipe = RECIPE.replace("\"lispc\", ", "\"lispc\", \"-O\", "));
    assert_matters("environment", |inputs| inputs.recipe = RECIPE.replace("A = \"1\"", "A = \"2\""));
    assert_matters("artefact", |inputs| inputs.recipe = RECIPE.replace("\"program\"", "\"other\""));
    assert_matters("language", |inputs| inputs.recipe = RECIPE.replace("id = \"lisp\"", "id = \"l\""));
    assert_matters("time", |inputs| inputs.limits.compile_time_ms += 1);
    assert_matters("memory", |inputs| inputs.limits.compile_memory_bytes += 1);
}

#[test]
fn names_and_contents_of_files_matter() {
    assert_matters("content", |inputs| inputs.files[1].1 = "(c)");
    assert_matters("name", |inputs| inputs.files[1].0 = "c.lisp");
    assert_matters("name of what is no source", |inputs| inputs.files.push(("data.txt", "")));
    assert_matters("order", |inputs| inputs.files.reverse());
    assert_matters("where one file ends", |inputs| inputs.files = vec![("main.lisp", "(a)b.lisp(b)")]);
}

#[test]
fn the_limits_of_the_run_stage_do_not_matter() {
    let mut other = inputs();
    other.limits.wall_time_ms += 1;
    other.limits.memory_bytes += 1;
    assert_eq!(key(&other), key(&inputs()));
}

#[test]
fn an_upgraded_compiler_has_another_key() {
    let compiler = tempfile::NamedTempFile::new().unwrap();
    let mut inputs = inputs();
    inputs.compiler = compiler.path().display().to_string();
    let before = key(&inputs);
    fs::write(compiler.path(), "newer").unwrap();
    assert_ne!(key(&inputs), before);
}

#[test]
fn tenants_share_only_where_the_operator_says_so() {
    let mut other = inputs();
    other.tenant = TenantId::new("other");
    assert_ne!(key_with(&other, Sharing::Tenant), key_with(&inputs(), Sharing::Tenant));
    assert_eq!(key_with(&other, Sharing::All), key_with(&inputs(), Sharing::All));
    assert_ne!(key_with(&inputs(), Sharing::All), key_with(&inputs(), Sharing::Tenant));
}
