//! The invocations of a language's stages.

use std::collections::BTreeMap;
use std::path::PathBuf;

use runbay_model::Environment;
use runbay_model::FileName;
use runbay_model::Interaction;
use runbay_model::Limits;
use runbay_model::Sources;
use runbay_model::WindowSize;
use runbay_sandbox::ARTEFACT_DIRECTORY;
use runbay_sandbox::Artefact;
use runbay_sandbox::File;
use runbay_sandbox::Invocation;
use runbay_sandbox::Job;
use runbay_sandbox::Runtime;
use runbay_sandbox::StderrTarget;

use super::CheckStage;
use super::CommandLine;
use super::CompileStage;
use super::MIB;
use super::Recipe;
use super::RunProgram;
use super::words::Text;
use super::words::Values;
use super::words::Word;
use crate::program::size_of_window;

/// The environment of every program. Recipes add to it.
const ENVIRONMENT: &[(&str, &str)] =
    &[("HOME", "/box"), ("LANG", "C.UTF-8"), ("PATH", "/usr/local/bin:/usr/bin:/bin"), ("TMPDIR", "/tmp")];

/// The parts of a run that the recipe does not know.
pub(crate) struct RunParts<'a> {
    /// The path of the program on the host. None when the compile stage makes the program.
    pub(crate) program: Option<&'a str>,
    /// The artefact of the compile stage.
    pub(crate) artefact: Option<Artefact>,
    pub(crate) sources: &'a Sources,
    pub(crate) args: &'a [String],
    pub(crate) environment: &'a Environment,
    pub(crate) limits: &'a Limits,
    /// How a person takes part.
    pub(crate) interaction: Option<Interaction>,
}

impl CompileStage {
    /// Returns the path of the artefact.
    pub(crate) fn artefact_path(&self) -> String {
        format!("{ARTEFACT_DIRECTORY}/{}", self.artefact)
    }
}

impl Recipe {
    /// Returns the invocation that prints the version of the program at `program`. `argv` is its command line in the
    /// recipe.
    pub(crate) fn version_invocation(&self, program: &str, argv: &[String]) -> Invocation {
        let argv = std::iter::once(program.to_owned()).chain(argv.iter().skip(1).cloned()).collect();
        let nothing = Values { sources: Vec::new(), ..self.values(None, Limits::default().memory_bytes) };
        let environment = self.environment([], &nothing);
        Invocation {
            runtime: Runtime { argv, environment: environment.fixed, stderr: StderrTarget::Own },
            job: Job { environment: environment.of_request, ..Job::default() },
        }
    }

    /// Returns the invocation that compiles with the compiler at `program`.
    pub(crate) fn compile_invocation(
        &self,
        stage: &CompileStage,
        program: &str,
        sources: &Sources,
        limits: &Limits,
    ) -> Invocation {
        let Invocation { runtime, job } = self.tool(&stage.command, program, sources, limits);
        Invocation { runtime, job: Job { keep: Some(PathBuf::from(&stage.artefact)), ..job } }
    }

    /// Returns the invocation that checks with the checker at `program`.
    pub(crate) fn check_invocation(
        &self,
        stage: &CheckStage,
        program: &str,
        sources: &Sources,
        limits: &Limits,
    ) -> Invocation {
        self.tool(&stage.command, program, sources, limits)
    }

    /// Returns the invocation that runs the program.
    pub(crate) fn run_invocation(&self, parts: RunParts<'_>) -> Invocation {
        let artefact = self.compile.as_ref().map(CompileStage::artefact_path).unwrap_or_default();
        let values = Values {
            args: parts.args,
            artefact: &artefact,
            ..self.values(Some(parts.sources), parts.limits.memory_bytes)
        };
        let program = match (&self.run.program, parts.program) {
            (RunProgram::Host(_), Some(program)) => program.to_owned(),
            (RunProgram::Host(name), None) => name.clone(),
            (RunProgram::Artefact, _) => artefact.clone(),
        };
        let repl = self.repl.as_ref().filter(|_| parts.interaction.is_some_and(|interaction| interaction.is_repl));
        let command_line = fill(program, repl.unwrap_or(&self.run.arguments), &values);
        let has_terminal = parts.interaction.is_some_and(|interaction| interaction.has_terminal);
        let environment = self.environment(self.run.environment.iter().chain(&self.run.search_paths), &values);
        let mut variables: BTreeMap<_, _> = environment.of_request.into_iter().collect();
        for (name, given) in parts.environment.variables() {
            let before = self.run.search_paths.iter().find(|(known, _)| known == name);
            let before = before.map(|(_, own)| own.fill(&values));
            variables.insert(name.clone(), behind(before, given));
        }
        Invocation {
            runtime: Runtime { argv: command_line.fixed, environment: environment.fixed, stderr: StderrTarget::Own },
            job: Job {
                unpack: parts.artefact,
                files: self.files(parts.sources),
                arguments: command_line.of_request,
                environment: variables.into_iter().collect(),
                terminal: has_terminal.then(|| size_of_window(WindowSize::default())),
                ..Job::default()
            },
        }
    }

    /// Returns an invocation whose output people read: both streams are one.
    fn tool(&self, command: &CommandLine, program: &str, sources: &Sources, limits: &Limits) -> Invocation {
        let artefact = self.compile.as_ref().map(CompileStage::artefact_path).unwrap_or_default();
        let values = Values { artefact: &artefact, ..self.values(Some(sources), limits.compile_memory_bytes) };
        let command_line = fill(program.to_owned(), &command.arguments, &values);
        let environment = self.environment(&command.environment, &values);
        Invocation {
            runtime: Runtime { argv: command_line.fixed, environment: environment.fixed, stderr: StderrTarget::Stdout },
            job: Job {
                files: self.files(sources),
                arguments: command_line.of_request,
                environment: environment.of_request,
                ..Job::default()
            },
        }
    }

    fn values<'a>(&'a self, sources: Option<&'a Sources>, memory_bytes: u64) -> Values<'a> {
        let entry = sources.map_or(self.entry.as_str(), |sources| self.entry_of(sources));
        let others = sources.into_iter().flat_map(Sources::others).map(|file| &file.name);
        let is_source = |name: &&FileName| name.extension().is_some_and(|extension| self.has_extension(extension));
        let sources = std::iter::once(entry).chain(others.filter(is_source).map(FileName::as_str)).collect();
        Values {
            entry,
            args: &[],
            sources,
            artefact: "",
            memory_mib: memory_bytes / MIB,
            heap_mib: self.heap_bytes(memory_bytes).unwrap_or(memory_bytes) / MIB,
        }
    }

    fn entry_of<'a>(&'a self, sources: &'a Sources) -> &'a str {
        sources.entry_name().map_or(&self.entry, FileName::as_str)
    }

    fn files(&self, sources: &Sources) -> Vec<File> {
        let file = |name: &str, content: &[u8]| File { name: PathBuf::from(name), content: content.to_vec() };
        let entry = file(self.entry_of(sources), sources.source_code().as_bytes());
        let others = sources.others().iter().map(|other| file(other.name.as_str(), &other.content));
        std::iter::once(entry).chain(others).collect()
    }

    /// Returns the environment of a stage, sorted by name.
    fn environment<'a>(
        &'a self,
        stage: impl IntoIterator<Item = &'a (String, Text)>,
        values: &Values<'_>,
    ) -> Filled<(String, String)> {
        let common = ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), ((*value).to_owned(), true)));
        let mut all: BTreeMap<_, _> = common.collect();
        let own = self.environment.iter().chain(stage);
        all.extend(own.map(|(name, text)| (name.clone(), (text.fill(values), text.is_fixed()))));
        let mut filled = Filled { fixed: Vec::new(), of_request: Vec::new() };
        for (name, (value, is_fixed)) in all {
            if is_fixed { &mut filled.fixed } else { &mut filled.of_request }.push((name, value));
        }
        filled
    }
}

/// Returns a search path with the recipe's own part before what a request gives.
fn behind(own: Option<String>, given: &str) -> String {
    match own {
        // An empty part would stand for the current directory.
        Some(own) if given.is_empty() => own,
        Some(own) => format!("{own}:{given}"),
        None => given.to_owned(),
    }
}

/// Words or variables with their placeholders filled in.
struct Filled<T> {
    /// The beginning that is the same for all requests.
    fixed: Vec<T>,
    of_request: Vec<T>,
}

/// Fills in a command line. Only words before the first one that depends on the request count as fixed.
fn fill(program: String, arguments: &[Word], values: &Values<'_>) -> Filled<String> {
    let mut filled = Filled { fixed: vec![program], of_request: Vec::new() };
    let (fixed, others) = arguments.split_at(arguments.iter().take_while(|word| word.is_fixed()).count());
    for word in fixed {
        word.fill(values, &mut filled.fixed);
    }
    for word in others {
        word.fill(values, &mut filled.of_request);
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = r#"
id = "lisp"
name = "Lisp"
entry = "main.lisp"
sources = ["lisp", "l"]
version = ["lisp", "--version"]
template = ""
[compile]
argv = ["lispc", "-m{memory_mib}", "-h{heap_mib}", "{sources}", "-o{artefact}"]
artefact = "program"
environment = { STAGE = "compile", OUT = "{artefact}" }
[run]
argv = ["lisp", "--heap={heap_mib}", "{artefact}", "{args}", "--end"]
environment = { STAGE = "run" }
search_paths = { LISP_PATH = "/opt/runbay/lisp" }
[environment]
HOME = "/tmp"
ALL = "{entry}"
[memory]
heap_percent = 50
reserve_mib = 90
"#;

    fn recipe() -> Recipe {
        Recipe::parse("lisp.toml", RECIPE, |_| Ok(None)).unwrap()
    }

    fn sources(names: &[&str]) -> Sources {
        Sources::of_files(names.iter().map(|name| ((*name).to_owned(), b"()".to_vec())).collect()).unwrap()
    }

    fn variable<'a>(invocation: &'a Invocation, name: &str) -> Option<&'a str> {
        let all = invocation.job.environment.iter().chain(&invocation.runtime.environment);
        all.clone().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn argv(invocation: &Invocation) -> Vec<&str> {
        invocation.runtime.argv.iter().chain(&invocation.job.arguments).map(String::as_str).collect()
    }

    #[test]
    fn a_compiler_gets_all_source_files_and_its_own_memory() {
        let recipe = recipe();
        let sources = sources(&["app", "x/b.lisp", "data.txt", "c.l"]);
        let stage = recipe.compile.as_ref().unwrap();
        let compile = recipe.compile_invocation(stage, "/bin/lispc", &sources, &Limits::default());
        assert_eq!(
            argv(&compile),
            ["/bin/lispc", "-m512", "-h256", "app", "x/b.lisp", "c.l", "-o/opt/artefact/program"]
        );
        assert_eq!(
            compile.job.files.iter().map(|file| file.name.to_str().unwrap()).collect::<Vec<_>>(),
            ["app", "x/b.lisp", "data.txt", "c.l"]
        );
        let Invocation { runtime, job } = compile;
        assert_eq!((job.keep, runtime.stderr), (Some("program".into()), StderrTarget::Stdout));
        assert_eq!(job.unpack, None);
    }

    #[test]
    fn stages_have_their_own_environment() {
        let recipe = recipe();
        let sources = Sources::single("()").unwrap();
        let stage = recipe.compile.as_ref().unwrap();
        let compile = recipe.compile_invocation(stage, "/bin/lispc", &sources, &Limits::default());
        assert_eq!(variable(&compile, "STAGE"), Some("compile"));
        assert_eq!(variable(&compile, "OUT"), Some("/opt/artefact/program"));
        assert_eq!(variable(&compile, "HOME"), Some("/tmp"));
        assert_eq!(variable(&compile, "ALL"), Some("main.lisp"));
        assert_eq!(variable(&compile, "LANG"), Some("C.UTF-8"));
        let version = recipe.version_invocation("/bin/lisp", &recipe.version);
        assert_eq!((argv(&version), &version.job.keep), (vec!["/bin/lisp", "--version"], &None));
    }

    #[test]
    fn a_run_gets_arguments_limits_and_variables_of_the_request() {
        let sources = Sources::single("()").unwrap();
        let variables = [("ALL", "mine"), ("NEW", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let run = recipe().run_invocation(RunParts {
            program: Some("/usr/bin/lisp"),
            artefact: None,
            sources: &sources,
            args: &["a b".to_owned(), "{entry}".to_owned()],
            environment: &Environment::new(variables.into()).unwrap(),
            limits: &Limits { memory_bytes: 64 * MIB, ..Limits::default() },
            interaction: None,
        });
        assert_eq!(argv(&run), ["/usr/bin/lisp", "--heap=32", "/opt/artefact/program", "a b", "{entry}", "--end"]);
        assert_eq!(variable(&run, "ALL"), Some("mine"));
        assert_eq!(variable(&run, "NEW"), Some("1"));
        assert_eq!(variable(&run, "STAGE"), Some("run"));
        assert_eq!((run.job.keep, run.runtime.stderr), (None, StderrTarget::Own));
    }

    #[test]
    fn search_paths_of_a_request_come_behind_those_of_the_recipe() {
        let sources = Sources::single("()").unwrap();
        let path = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let run = recipe().run_invocation(RunParts {
                program: Some("/usr/bin/lisp"),
                artefact: None,
                sources: &sources,
                args: &[],
                environment: &Environment::new(variables.collect()).unwrap(),
                limits: &Limits::default(),
                interaction: None,
            });
            variable(&run, "LISP_PATH").map(str::to_owned)
        };
        assert_eq!(path(&[]).as_deref(), Some("/opt/runbay/lisp"));
        assert_eq!(path(&[("LISP_PATH", "lib:/x")]).as_deref(), Some("/opt/runbay/lisp:lib:/x"));
        assert_eq!(path(&[("LISP_PATH", "")]).as_deref(), Some("/opt/runbay/lisp"));
    }

    #[test]
    fn what_is_the_same_for_all_requests_is_known_ahead() {
        let recipe = RECIPE.replace("[\"lisp\", \"--heap", "[\"lisp\", \"-q\", \"{artefact}\", \"--heap");
        let recipe = Recipe::parse("lisp.toml", &recipe, |_| Ok(None)).unwrap();
        let invocation = |name: &str, memory_bytes| {
            recipe.run_invocation(RunParts {
                program: Some("/usr/bin/lisp"),
                artefact: None,
                sources: &sources(&[name]),
                args: &[name.to_owned()],
                environment: &Environment::default(),
                limits: &Limits { memory_bytes, ..Limits::default() },
                interaction: None,
            })
        };
        let (one, other) = (invocation("a.lisp", 64 * MIB), invocation("b.lisp", 128 * MIB));
        assert_eq!(one.runtime, other.runtime);
        assert_eq!(one.runtime.argv, ["/usr/bin/lisp", "-q", "/opt/artefact/program"]);
        assert_eq!(one.job.environment, [("ALL".to_owned(), "a.lisp".to_owned())]);
        assert_ne!(one.job.arguments, other.job.arguments);
    }

    #[test]
    fn memory_is_shared_out() {
        assert_eq!(recipe().data_bytes(100 * MIB), Some(190 * MIB));
        let without = RECIPE.replace("reserve_mib = 90", "");
        assert_eq!(Recipe::parse("lisp.toml", &without, |_| Ok(None)).unwrap().data_bytes(MIB), None);
    }
}
