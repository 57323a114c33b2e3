//! A runner with languages of its own for each test.

use std::process::Command;

use runbay_model::CheckReport;
use runbay_model::LanguageId;
use runbay_model::Outcome;
use runbay_model::RunInput;
use runbay_model::Sources;
use runbay_model::TenantId;
use runbay_model::TestPlan;
use runbay_model::Verdict;
use runbay_model::Work;
use runbay_runner::Recipe;
use runbay_runner::Runner;
use runbay_runner::RunnerSettings;
use runbay_sandbox::Configuration;
use runbay_sandbox::Keeper;
use runbay_sandbox::Sandbox;
use runbay_sandbox::Users;
use runbay_testkit::bay_uids;
use runbay_testkit::binary;

const MAX_BAYS: u32 = 40;

/// Its first file is the compiler, and the checker too; what it writes to its first argument is run.
const COMPILED: &str = r#"
id = "compiled"
name = "Compiled"
entry = "main.script"
sources = ["script"]
version = ["bash", "--version"]
template = ""
[compile]
argv = ["sh", "{entry}", "{artefact}", "{sources}"]
artefact = "program"
[run]
argv = ["{artefact}", "{args}"]
[check]
argv = ["sh", "{entry}"]
pattern = '^(?P<file>[^:\n]+):(?P<line>\d+): (?P<severity>\w+): (?P<message>.*)$'
"#;

/// Is run as it is.
pub(crate) const PLAIN: &str = r#"
id = "plain"
name = "Plain"
entry = "main.sh"
version = ["bash", "--version"]
template = ""
[run]
argv = ["sh", "{entry}", "{args}"]
environment = { MEMORY = "{memory_mib} {heap_mib}" }
[memory]
heap_percent = 50
[[out_of_memory]]
exit_code = 7
stderr = "no memory left"
"#;

pub(crate) struct Host {
    pub(crate) runner: Runner,
}

impl Host {
    pub(crate) async fn open() -> Self {
        Self::open_with(RunnerSettings::default()).await
    }

    pub(crate) async fn open_with(settings: RunnerSettings) -> Self {
        Self::open_for(&[COMPILED, PLAIN], settings).await
    }

    pub(crate) async fn open_for(recipes: &[&str], settings: RunnerSettings) -> Self {
        let configuration = Configuration {
            users: Users::Range { first_uid: bay_uids(2 * MAX_BAYS) },
            max_bays: MAX_BAYS,
            mounts: Vec::new(),
            support_files: Vec::new(),
        };
        let mut command = Command::new(binary());
        command.arg("sandbox-keeper");
        let keeper = Keeper::launch(command, &configuration).expect("the keeper can be launched");
        let sandbox = Sandbox::connect(keeper).await.expect("this host can build sandboxes");
        let recipe = |text: &&str| Recipe::parse("test.toml", text, |_| Ok(None)).expect("a recipe");
        let (runner, absent) = Runner::probe(sandbox, recipes.iter().map(recipe).collect(), settings).await;
        assert_eq!(absent, []);
        Self { runner }
    }

    pub(crate) async fn run(&self, input: &RunInput) -> (Verdict, Outcome) {
        self.run_for(&TenantId::default(), input).await
    }

    pub(crate) async fn run_for(&self, tenant: &TenantId, input: &RunInput) -> (Verdict, Outcome) {
        self.runner.run(tenant, input, None).await.expect("the program can be run")
    }

    /// Runs a program that has to end well; returns what it wrote.
    pub(crate) async fn said(&self, input: &RunInput) -> String {
        let (verdict, outcome) = self.run(input).await;
        assert_eq!(verdict, Verdict::Completed, "{outcome:?}");
        String::from_utf8(outcome.output.stdout).expect("a text")
    }

    pub(crate) async fn check(&self, input: &RunInput) -> CheckReport {
        self.runner.check(&input.language, &input.sources).await.expect("the code can be checked")
    }
}

/// Returns a program of files with their contents.
pub(crate) fn program(language: &str, files: &[(&str, &str)]) -> RunInput {
    let files = files.iter().map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec())).collect();
    RunInput {
        language: LanguageId::new(language),
        sources: Sources::of_files(files).expect("files of a program"),
        work: Work::default(),
    }
}

/// Returns a program whose first file is the compiler.
pub(crate) fn compiled(script: &str) -> RunInput {
    program("compiled", &[("main.script", script)])
}

/// Returns a compiler that makes a program of a script.
pub(crate) fn compiler_of(script: &str) -> String {
    format!("cat > \"$1\" <<'END'\n#!/bin/sh\n{script}\nEND\nchmod +x \"$1\"\n")
}

pub(crate) fn plain(script: &str) -> RunInput {
    program("plain", &[("main.sh", script)])
}

pub(crate) fn tested(input: RunInput, tests: TestPlan) -> RunInput {
    RunInput { work: Work { tests: Some(tests), ..input.work }, ..input }
}
