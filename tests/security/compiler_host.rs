//! A language with its real recipe and runner, and the sandbox below it.

use runbay_model::CheckReport;
use runbay_model::Environment;
use runbay_model::Fault;
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
use runbay_testkit::skip;

use crate::arena::Arena;

/// Far less than a compiler may have usually: what is endless shall end soon.
const SHORT: LimitOverrides = LimitOverrides {
    wall_time_ms: None,
    cpu_time_ms: None,
    memory_bytes: None,
    stack_bytes: None,
    stdout_bytes: None,
    stderr_bytes: None,
    processes: None,
    open_files: None,
    file_bytes: None,
    disk_bytes: None,
    inodes: None,
    compile_time_ms: Some(3_000),
    compile_memory_bytes: Some(256 * 1024 * 1024),
    interactive_time_ms: None,
    idle_time_ms: None,
};

/// A language in an arena of its own.
pub(crate) struct CompilerHost {
    arena: Arena,
    runner: Runner,
    language: LanguageId,
}

impl CompilerHost {
    /// Opens an arena for a language; if this machine does not have it, says so in a line and returns none.
    pub(crate) async fn open(id: &str) -> Option<Self> {
        let recipes: Vec<Recipe> = runbay_runner::recipes(None).expect("the recipes are sound");
        let recipe = recipes.into_iter().find(|recipe| recipe.id.as_str() == id).expect("there is such a recipe");
        let language = recipe.id.clone();
        let arena = Arena::open_for_language(&recipe).await;
        let (runner, absent) = Runner::probe(arena.sandbox.clone(), vec![recipe], RunnerSettings::default()).await;
        if absent.is_empty() {
            return Some(Self { arena, runner, language });
        }
        skip(&format!("this host has no {id}"));
        drop(runner);
        arena.close().await;
        None
    }

    /// Returns the sandbox below, for other programs beside the language's.
    pub(crate) fn arena(&self) -> &Arena {
        &self.arena
    }

    /// Compiles and runs files, the first of which is the entry.
    pub(crate) async fn run(&self, files: &[(&str, &str)]) -> (Verdict, Outcome) {
        self.run_with(files, &[]).await
    }

    /// Compiles and runs files with these variables in the environment of the request.
    pub(crate) async fn run_with(&self, files: &[(&str, &str)], variables: &[(&str, &str)]) -> (Verdict, Outcome) {
        let files = files.iter().map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec())).collect();
        let sources = Sources::of_files(files).expect("the files may have these names");
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let environment = Environment::new(variables).expect("the variables may be set");
        let work = Work { limits: SHORT, environment, ..Work::default() };
        let input = RunInput { language: self.language.clone(), sources, work };
        self.runner.run(&TenantId::default(), &input, None).await.expect("the service is not to blame")
    }

    /// Asserts that code cannot be compiled, and that the message holds nothing of the host; returns the message.
    pub(crate) async fn refused(&self, files: &[(&str, &str)]) -> String {
        let (verdict, outcome) = self.run(files).await;
        let output = String::from_utf8_lossy(&outcome.output.compile_output.unwrap_or_default()).into_owned();
        assert_eq!(verdict, Verdict::Failed(Fault::CompileError), "{files:?}\n{output}");
        assert!(outcome.facts.message.is_some(), "{files:?}");
        assert_nothing_of_the_host(&output);
        output
    }

    /// Asserts that code runs and prints what is expected.
    pub(crate) async fn prints(&self, files: &[(&str, &str)], expected: &str) {
        let (verdict, outcome) = self.run(files).await;
        let compiler = String::from_utf8_lossy(outcome.output.compile_output.as_deref().unwrap_or_default());
        assert_eq!(verdict, Verdict::Completed, "{files:?}\n{compiler}\n{outcome:?}");
        assert_eq!(String::from_utf8_lossy(&outcome.output.stdout), expected, "{files:?}");
        assert_nothing_of_the_host(&compiler);
    }

    pub(crate) async fn check(&self, source: &str) -> CheckReport {
        let sources = Sources::single(source).expect("it is short");
        self.runner.check(&self.language, &sources).await.expect("the service is not to blame")
    }

    pub(crate) async fn close(self) {
        drop(self.runner);
        self.arena.close().await;
    }
}

/// Asserts that a text has no line of the host's account files: root's account there differs from the one in a bay.
pub(crate) fn assert_nothing_of_the_host(output: &str) {
    for line in ["root:x:0:0:root:/root", "root:*:", "root:!:", "root:$", "daemon:"] {
        assert!(!output.contains(line), "{output}");
    }
}
