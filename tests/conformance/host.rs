//! The runner as the service has it, with a sandbox of its own.

use std::path::Path;
use std::process::Command;

use runbay_model::CheckReport;
use runbay_model::Environment;
use runbay_model::LanguageId;
use runbay_model::LimitOverrides;
use runbay_model::Outcome;
use runbay_model::RunInput;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_model::Verdict;
use runbay_model::Work;
use runbay_runner::Recipe;
use runbay_runner::Runner;
use runbay_runner::RunnerSettings;
use runbay_runner::recipes;
use runbay_sandbox::Configuration;
use runbay_sandbox::Keeper;
use runbay_sandbox::Sandbox;
use runbay_sandbox::Users;
use runbay_testkit::bay_uids;
use runbay_testkit::binary;

use crate::expectations::LANGUAGES;

/// The most bays that are alive at one time.
const MAX_BAYS: u32 = 16;

pub(crate) struct Host {
    runner: Runner,
}

/// What is to be run.
#[derive(Default)]
pub(crate) struct Input {
    /// The entry first.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    pub(crate) args: Vec<String>,
    pub(crate) stdin: Vec<u8>,
    pub(crate) limits: LimitOverrides,
    /// Variables of the environment.
    pub(crate) environment: Vec<(String, String)>,
}

impl Host {
    /// Starts a sandbox for all languages; each of them must work on this host.
    pub(crate) async fn open() -> Self {
        Self::with(recipes(None).expect("the recipes can be used")).await
    }

    /// Starts a sandbox for one language.
    pub(crate) async fn of(language: &str) -> Self {
        Self::only(language, None).await
    }

    /// Starts a sandbox for a language that the recipes of an operator add.
    pub(crate) async fn of_added(language: &str, folder: &Path) -> Self {
        Self::only(language, Some(folder)).await
    }

    async fn only(language: &str, folder: Option<&Path>) -> Self {
        let mut recipes = recipes(folder).expect("the recipes can be used");
        recipes.retain(|recipe| recipe.id.as_str() == language);
        Self::with(recipes).await
    }

    async fn with(recipes: Vec<Recipe>) -> Self {
        let configuration = Configuration {
            users: Users::Range { first_uid: bay_uids(2 * MAX_BAYS) },
            max_bays: MAX_BAYS,
            mounts: recipes.iter().flat_map(|recipe| recipe.mounts.clone()).collect(),
            support_files: recipes.iter().flat_map(|recipe| recipe.support_files.clone()).collect(),
        };
        let mut command = Command::new(binary());
        command.arg("sandbox-keeper");
        let keeper = Keeper::launch(command, &configuration).expect("the keeper can be launched");
        let sandbox = Sandbox::connect(keeper).await.expect("this host can build sandboxes");
        let (runner, absent) = Runner::probe(sandbox, recipes, RunnerSettings::default()).await;
        assert!(absent.is_empty(), "scripts/install-languages was not run: {absent:#?}");
        Self { runner }
    }

    pub(crate) async fn run(&self, language: &str, input: Input) -> (Verdict, Outcome) {
        let environment = Environment::new(input.environment.into_iter().collect()).expect("variables");
        let work = Work { args: input.args, stdin: input.stdin, limits: input.limits, environment, ..Work::default() };
        let input = RunInput { language: LanguageId::new(language), sources: sources(input.files), work };
        self.runner.run(&TenantId::new("conformance"), &input, None).await.expect("the program can be run")
    }

    /// Runs one file, which has to end well; returns what it printed.
    pub(crate) async fn printed(&self, language: &str, code: &str) -> String {
        let known = LANGUAGES.iter().find(|known| known.id == language);
        let entry = known.expect("the language is known").entry;
        let files = vec![(entry.to_owned(), code.as_bytes().to_vec())];
        let (verdict, outcome) = self.run(language, Input { files, ..Input::default() }).await;
        assert_eq!(verdict, Verdict::Completed, "{language}: {code}\n{outcome:#?}");
        String::from_utf8_lossy(&outcome.output.stdout).into_owned()
    }

    pub(crate) async fn check(&self, language: &str, files: Vec<(String, Vec<u8>)>) -> CheckReport {
        self.runner.check(&LanguageId::new(language), &sources(files)).await.expect("the program can be checked")
    }

    /// Returns the code that a session in this language starts with.
    pub(crate) fn template(&self, language: &str) -> String {
        let catalog = self.runner.catalog();
        catalog.find(language).expect("the language is offered").template.clone()
    }
}

fn sources(files: Vec<(String, Vec<u8>)>) -> Sources {
    Sources::of_files(files).expect("the files make a program")
}
