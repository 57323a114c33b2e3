//! What the bays of a language are asked to do.

use std::collections::BTreeMap;
use std::path::PathBuf;

use runbay_model::Environment;
use runbay_model::FileName;
use runbay_model::Limits;
use runbay_model::Sources;
use runbay_sandbox::Artefact;
use runbay_sandbox::File;
use runbay_sandbox::Job;
use runbay_sandbox::StderrTarget;

use super::CheckStage;
use super::CommandLine;
use super::CompileStage;
use super::Recipe;
use super::RunProgram;
use super::Variables;
use super::share;
use super::words::Values;
use super::words::Word;

/// What every program finds in its environment; recipes add to it.
const ENVIRONMENT: &[(&str, &str)] =
    &[("HOME", "/box"), ("LANG", "C.UTF-8"), ("PATH", "/usr/local/bin:/usr/bin:/bin"), ("TMPDIR", "/tmp")];

const MIB: u64 = 1024 * 1024;

/// What makes a run of a program, besides its recipe.
pub(crate) struct RunParts<'a> {
    /// Where the program of the host is; none when the compile stage makes it.
    pub(crate) program: Option<&'a str>,
    /// What the compile stage made.
    pub(crate) artefact: Option<Artefact>,
    pub(crate) sources: &'a Sources,
    pub(crate) args: &'a [String],
    pub(crate) environment: &'a Environment,
    pub(crate) limits: &'a Limits,
}

impl CompileStage {
    /// Returns where the artefact is, relative to the program's directory.
    pub(crate) fn artefact_path(&self) -> String {
        format!("{}/{}", FileName::RESERVED, self.artefact)
    }
}

impl Recipe {
    /// Returns the job that makes the program at `program` print a version; `argv` is how the recipe calls it.
    pub(crate) fn version_job(&self, program: &str, argv: &[String]) -> Job {
        let argv = std::iter::once(program.to_owned()).chain(argv.iter().skip(1).cloned()).collect();
        let nothing = Values { sources: Vec::new(), ..self.values(None, Limits::default().memory_bytes) };
        Job { argv, environment: self.environment(&Variables::new(), &nothing), ..Job::default() }
    }

    /// Returns the job that compiles with the compiler at `program`.
    pub(crate) fn compile_job(&self, stage: &CompileStage, program: &str, sources: &Sources, limits: &Limits) -> Job {
        let keep = Some(PathBuf::from(stage.artefact_path()));
        Job { keep, ..self.tool_job(&stage.command, program, sources, limits) }
    }

    /// Returns the job that checks with the checker at `program`.
    pub(crate) fn check_job(&self, stage: &CheckStage, program: &str, sources: &Sources, limits: &Limits) -> Job {
        self.tool_job(&stage.command, program, sources, limits)
    }

    /// Returns the job that runs the program.
    pub(crate) fn run_job(&self, parts: RunParts<'_>) -> Job {
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
        let mut environment: BTreeMap<_, _> = self.environment(&self.run.environment, &values).into_iter().collect();
        environment.extend(parts.environment.variables().clone());
        Job {
            unpack: parts.artefact,
            files: self.files(parts.sources),
            argv: fill(program, &self.run.arguments, &values),
            environment: environment.into_iter().collect(),
            ..Job::default()
        }
    }

    /// Returns a job whose output is read by people: both streams as one.
    fn tool_job(&self, command: &CommandLine, program: &str, sources: &Sources, limits: &Limits) -> Job {
        let artefact = self.compile.as_ref().map(CompileStage::artefact_path).unwrap_or_default();
        let values = Values { artefact: &artefact, ..self.values(Some(sources), limits.compile_memory_bytes) };
        Job {
            files: self.files(sources),
            argv: fill(program.to_owned(), &command.arguments, &values),
            environment: self.environment(&command.environment, &values),
            stderr: StderrTarget::Stdout,
            ..Job::default()
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
            heap_mib: (share(memory_bytes, self.memory.heap_percent.unwrap_or(100)) / MIB).max(1),
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
    fn environment(&self, stage: &Variables, values: &Values<'_>) -> Vec<(String, String)> {
        let common = ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut all: BTreeMap<_, _> = common.collect();
        all.extend(self.environment.iter().chain(stage).map(|(name, text)| (name.clone(), text.fill(values))));
        all.into_iter().collect()
    }
}

fn fill(program: String, arguments: &[Word], values: &Values<'_>) -> Vec<String> {
    let mut argv = vec![program];
    for word in arguments {
        word.fill(values, &mut argv);
    }
    argv
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
[environment]
HOME = "/tmp"
ALL = "{entry}"
[memory]
heap_percent = 50
data_percent = 90
"#;

    fn recipe() -> Recipe {
        Recipe::parse("lisp.toml", RECIPE, |_| Ok(None)).unwrap()
    }

    fn sources(names: &[&str]) -> Sources {
        Sources::of_files(names.iter().map(|name| ((*name).to_owned(), b"()".to_vec())).collect()).unwrap()
    }

    fn variable<'a>(job: &'a Job, name: &str) -> Option<&'a str> {
        job.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn a_compiler_gets_all_source_files_and_its_own_memory() {
        let recipe = recipe();
        let sources = sources(&["app", "x/b.lisp", "data.txt", "c.l"]);
        let job = recipe.compile_job(recipe.compile.as_ref().unwrap(), "/bin/lispc", &sources, &Limits::default());
        assert_eq!(job.argv, ["/bin/lispc", "-m512", "-h256", "app", "x/b.lisp", "c.l", "-o.runbay/program"]);
        assert_eq!(
            job.files.iter().map(|file| file.name.to_str().unwrap()).collect::<Vec<_>>(),
            ["app", "x/b.lisp", "data.txt", "c.l"]
        );
        assert_eq!((job.keep, job.stderr), (Some(".runbay/program".into()), StderrTarget::Stdout));
        assert_eq!(job.unpack, None);
    }

    #[test]
    fn stages_have_their_own_environment() {
        let recipe = recipe();
        let sources = Sources::single("()").unwrap();
        let compile = recipe.compile_job(recipe.compile.as_ref().unwrap(), "/bin/lispc", &sources, &Limits::default());
        assert_eq!(variable(&compile, "STAGE"), Some("compile"));
        assert_eq!(variable(&compile, "OUT"), Some(".runbay/program"));
        assert_eq!(variable(&compile, "HOME"), Some("/tmp"));
        assert_eq!(variable(&compile, "ALL"), Some("main.lisp"));
        assert_eq!(variable(&compile, "LANG"), Some("C.UTF-8"));
        let version = recipe.version_job("/bin/lisp", &recipe.version);
        assert_eq!((version.argv, version.keep), (vec!["/bin/lisp".to_owned(), "--version".to_owned()], None));
    }

    #[test]
    fn a_run_gets_arguments_limits_and_variables_of_the_request() {
        let sources = Sources::single("()").unwrap();
        let variables = [("ALL", "mine"), ("NEW", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let job = recipe().run_job(RunParts {
            program: Some("/usr/bin/lisp"),
            artefact: None,
            sources: &sources,
            args: &["a b".to_owned(), "{entry}".to_owned()],
            environment: &Environment::new(variables.into()).unwrap(),
            limits: &Limits { memory_bytes: 64 * MIB, ..Limits::default() },
        });
        assert_eq!(job.argv, ["/usr/bin/lisp", "--heap=32", ".runbay/program", "a b", "{entry}", "--end"]);
        assert_eq!(variable(&job, "ALL"), Some("mine"));
        assert_eq!(variable(&job, "NEW"), Some("1"));
        assert_eq!(variable(&job, "STAGE"), Some("run"));
        assert_eq!((job.keep, job.stderr), (None, StderrTarget::Own));
    }

    #[test]
    fn memory_is_shared_out() {
        assert_eq!(recipe().data_bytes(100 * MIB), Some(90 * MIB));
        let without = RECIPE.replace("data_percent = 90", "");
        assert_eq!(Recipe::parse("lisp.toml", &without, |_| Ok(None)).unwrap().data_bytes(MIB), None);
    }
}
