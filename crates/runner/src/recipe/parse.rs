//! Parsing: from the text of a file to a recipe that can work.

mod failures;

use std::ops::RangeInclusive;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use runbay_model::FileName;
use runbay_model::LanguageId;
use runbay_model::LimitOverrides;
use runbay_model::LimitRanges;
use runbay_model::Sources;
use runbay_sandbox::SupportFile;
use toml::Spanned;

use super::CheckStage;
use super::CommandLine;
use super::CompileStage;
use super::DiagnosticPattern;
use super::MemoryShares;
use super::Recipe;
use super::RecipeError;
use super::RunProgram;
use super::RunStage;
use super::Variables;
use super::error::Origin;
use super::format::Argv;
use super::format::CheckTable;
use super::format::CompileTable;
use super::format::MemoryTable;
use super::format::RecipeFile;
use super::format::ReplTable;
use super::format::RunTable;
use super::format::Table;
use super::words::Placeholder;
use super::words::Text;
use super::words::Word;

/// The program of a run stage that starts the artefact. Only compiled languages have it.
const ARTEFACT: &str = "{artefact}";

/// Directories that bays have of their own. What the host has there, they do not see.
const OWN_DIRECTORIES: &[&str] = &["/box", "/dev", "/opt/runbay", "/proc", "/tmp"];

/// 1 TiB, more than any host would let a program set aside.
const MOST_RESERVE_MIB: u64 = 1024 * 1024;

impl Recipe {
    /// Parses the text of `file`. `support_file` returns the content of the files that `support` names.
    ///
    /// # Errors
    ///
    /// [`RecipeError`] names the file, the line and what is wrong there.
    pub fn parse(
        file: &str,
        text: &str,
        mut support_file: impl FnMut(&str) -> Result<Option<Vec<u8>>, RecipeError>,
    ) -> Result<Self, RecipeError> {
        let origin = Origin { file, text };
        let parsed: RecipeFile = toml::from_str(text).map_err(|error| origin.malformed(&error))?;
        let mut support_files = Vec::new();
        for name in &parsed.support {
            check_support_name(origin, name)?;
            let content = support_file(name.get_ref())?;
            let content = content.ok_or_else(|| {
                origin.refuse(name, format!("support names {:?}, which is not in the folder support", name.get_ref()))
            })?;
            support_files.push(SupportFile { path: name.get_ref().into(), content });
        }
        let memory = memory(origin, &parsed.memory)?;
        let scope = Scope { origin, has_heap: memory.heap_percent.is_some(), has_artefact: parsed.compile.is_some() };
        Ok(Self {
            file: file.to_owned(),
            id: id(origin, &parsed.id)?,
            name: name(origin, &parsed.name)?,
            aliases: parsed.aliases.iter().map(|alias| Ok(id(origin, alias)?.to_string())).collect::<Result<_, _>>()?,
            entry: entry(origin, &parsed.entry)?,
            template: template(origin, parsed.template)?,
            limits: limits(origin, &parsed.limits)?,
            mounts: parsed.mounts.into_iter().map(|path| mount(origin, path)).collect::<Result<_, _>>()?,
            support_files,
            extensions: parsed.sources.into_iter().map(|ending| extension(origin, ending)).collect::<Result<_, _>>()?,
            version: version(origin, "version", parsed.version)?,
            programs: parsed.programs.into_iter().map(|word| needed(origin, word)).collect::<Result<_, _>>()?,
            compile: parsed.compile.map(|table| scope.compile(&table)).transpose()?,
            run: scope.run(&parsed.run)?,
            check: parsed.check.map(|table| scope.check(&table)).transpose()?,
            repl: parsed.repl.map(|table| scope.repl(&table, &parsed.run)).transpose()?,
            environment: scope.environment("environment", &parsed.environment, &[])?,
            memory,
            out_of_memory: parsed
                .out_of_memory
                .iter()
                .map(|table| failures::out_of_memory(origin, table))
                .collect::<Result<_, _>>()?,
            hints: parsed.hint.iter().map(|table| failures::hint(origin, table)).collect::<Result<_, _>>()?,
        })
    }
}

/// The placeholders that the words of a recipe may use.
struct Scope<'a> {
    origin: Origin<'a>,
    has_heap: bool,
    has_artefact: bool,
}

impl Scope<'_> {
    fn compile(&self, table: &CompileTable) -> Result<CompileStage, RecipeError> {
        let artefact = table.artefact.get_ref();
        if FileName::parse(artefact).is_err() || artefact.contains('/') {
            return Err(self.origin.refuse(&table.artefact, "compile.artefact must be a plain file name"));
        }
        let allowed = &[Placeholder::Sources, Placeholder::Artefact];
        let command = self.command("compile", &table.argv, &table.environment, allowed)?;
        Ok(CompileStage { command, artefact: artefact.clone() })
    }

    fn run(&self, table: &RunTable) -> Result<RunStage, RecipeError> {
        let mut allowed = vec![Placeholder::Sources, Placeholder::Args];
        if self.has_artefact {
            allowed.push(Placeholder::Artefact);
        }
        let is_artefact = table.argv.get_ref().first().is_some_and(|word| word.get_ref() == ARTEFACT);
        let program = if is_artefact && self.has_artefact {
            RunProgram::Artefact
        } else {
            RunProgram::Host(program(self.origin, "run", &table.argv)?)
        };
        Ok(RunStage {
            program,
            arguments: self.arguments("run", &table.argv, &allowed)?,
            environment: self.environment("run.environment", &table.environment, &allowed)?,
            search_paths: self.search_paths(table)?,
        })
    }

    fn repl(&self, table: &ReplTable, run: &RunTable) -> Result<Vec<Word>, RecipeError> {
        let first = |argv: &Argv| argv.get_ref().first().map(|word| word.get_ref().clone());
        if first(&table.argv) != first(&run.argv) {
            return Err(self.origin.refuse(&table.argv, "repl.argv must start with the program of run.argv"));
        }
        self.arguments("repl", &table.argv, &[Placeholder::Sources, Placeholder::Args])
    }

    fn search_paths(&self, table: &RunTable) -> Result<Variables, RecipeError> {
        if let Some(name) = table.search_paths.keys().find(|name| table.environment.contains_key(*name)) {
            let problem = format!("run.search_paths has {:?}, which run.environment has as well", name.get_ref());
            return Err(self.origin.refuse(name, problem));
        }
        self.environment("run.search_paths", &table.search_paths, &[])
    }

    fn check(&self, table: &CheckTable) -> Result<CheckStage, RecipeError> {
        let mut pattern = DiagnosticPattern::parse(table.pattern.get_ref())
            .map_err(|problem| self.origin.refuse(&table.pattern, format!("check.pattern {problem}")))?;
        if let Some(warnings) = &table.warnings {
            pattern = pattern
                .with_warnings(warnings.get_ref())
                .map_err(|problem| self.origin.refuse(warnings, format!("check.warnings {problem}")))?;
        }
        let command = self.command("check", &table.argv, &table.environment, &[Placeholder::Sources])?;
        let version = table.version.clone().map(|argv| version(self.origin, "check.version", argv)).transpose()?;
        Ok(CheckStage { command, version, pattern })
    }

    fn command(
        &self,
        stage: &str,
        argv: &Argv,
        environment: &Table<String>,
        allowed: &[Placeholder],
    ) -> Result<CommandLine, RecipeError> {
        Ok(CommandLine {
            program: program(self.origin, stage, argv)?,
            arguments: self.arguments(stage, argv, allowed)?,
            environment: self.environment(&format!("{stage}.environment"), environment, allowed)?,
        })
    }

    fn arguments(&self, stage: &str, argv: &Argv, allowed: &[Placeholder]) -> Result<Vec<Word>, RecipeError> {
        let allowed = self.with_common(allowed);
        let parse = |word: &Spanned<String>| {
            Word::parse(word.get_ref(), &allowed)
                .map_err(|problem| self.origin.refuse(word, format!("{stage}.argv {problem}")))
        };
        argv.get_ref().iter().skip(1).map(parse).collect()
    }

    fn environment(
        &self,
        table: &str,
        variables: &Table<String>,
        allowed: &[Placeholder],
    ) -> Result<Variables, RecipeError> {
        let several = [Placeholder::Args, Placeholder::Sources];
        let single: Vec<_> = allowed.iter().copied().filter(|placeholder| !several.contains(placeholder)).collect();
        let allowed = self.with_common(&single);
        let mut parsed = Variables::new();
        for (name, value) in variables {
            if name.get_ref().is_empty() || name.get_ref().contains(['=', '\0']) {
                return Err(self.origin.refuse(name, format!("{table} has {:?}, which is no name", name.get_ref())));
            }
            let text = Text::parse(value.get_ref(), &allowed)
                .map_err(|problem| self.origin.refuse(value, format!("{table}.{} {problem}", name.get_ref())))?;
            parsed.push((name.get_ref().clone(), text));
        }
        Ok(parsed)
    }

    /// Adds the placeholders that have a value in all stages.
    fn with_common(&self, allowed: &[Placeholder]) -> Vec<Placeholder> {
        let heap = self.has_heap.then_some(Placeholder::HeapMib);
        let common = [Placeholder::Entry, Placeholder::MemoryMib].into_iter().chain(heap);
        allowed.iter().copied().chain(common).collect()
    }
}

fn program(origin: Origin<'_>, stage: &str, argv: &Argv) -> Result<String, RecipeError> {
    match argv.get_ref().first() {
        Some(word) if is_program(word.get_ref()) => Ok(word.get_ref().clone()),
        Some(word) => Err(origin.refuse(word, format!("{stage}.argv must start with a program"))),
        None => Err(origin.refuse(argv, format!("{stage}.argv must start with a program"))),
    }
}

/// Returns whether a word is a name without slashes or an absolute path.
fn is_program(word: &str) -> bool {
    !word.is_empty() && !word.contains(['{', '\0']) && (word.starts_with('/') || !word.contains('/'))
}

fn id(origin: Origin<'_>, id: &Spanned<String>) -> Result<LanguageId, RecipeError> {
    let text = id.get_ref();
    let is_valid = text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.len() <= 32
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-_#.".contains(c));
    if !is_valid {
        return Err(origin.refuse(
            id,
            format!("{text:?} must be at most 32 lower case letters, digits, +, -, _, # or ., a letter first"),
        ));
    }
    Ok(LanguageId::new(text))
}

fn name(origin: Origin<'_>, name: &Spanned<String>) -> Result<String, RecipeError> {
    if name.get_ref().trim().is_empty() || name.get_ref().chars().any(char::is_control) {
        return Err(origin.refuse(name, "name must be a line of text"));
    }
    Ok(name.get_ref().clone())
}

fn entry(origin: Origin<'_>, entry: &Spanned<String>) -> Result<String, RecipeError> {
    if FileName::parse(entry.get_ref()).is_err() || entry.get_ref().contains('/') {
        return Err(origin.refuse(entry, "entry must be a plain file name"));
    }
    Ok(entry.get_ref().clone())
}

fn template(origin: Origin<'_>, template: Spanned<String>) -> Result<String, RecipeError> {
    if let Err(problem) = Sources::single(template.get_ref()) {
        return Err(origin.refuse(&template, format!("template {problem}")));
    }
    Ok(template.into_inner())
}

fn limits(origin: Origin<'_>, table: &Table<u64>) -> Result<LimitOverrides, RecipeError> {
    let mut limits = LimitOverrides::default();
    for (name, value) in table {
        let checked = LimitRanges::default()
            .check(name.get_ref(), Some(*value.get_ref()))
            .map_err(|problem| origin.refuse(name, format!("limits.{} {problem}", name.get_ref())))?;
        limits.set(name.get_ref(), checked);
    }
    Ok(limits)
}

fn mount(origin: Origin<'_>, path: Spanned<PathBuf>) -> Result<PathBuf, RecipeError> {
    if !path.get_ref().is_absolute() || path.get_ref().components().any(|part| part == Component::ParentDir) {
        let problem = format!("mounts must be absolute paths, not {:?}", path.get_ref().display().to_string());
        return Err(origin.refuse(&path, problem));
    }
    if let Some(problem) = collision(path.get_ref()).or_else(|| collision(&real_place(path.get_ref())?)) {
        return Err(origin.refuse(&path, problem));
    }
    Ok(path.into_inner())
}

/// Returns where a path leads that goes through links. The last name is mounted as it is, also where it is a link.
fn real_place(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// Says why a path of the host cannot be seen in bays, or would hide what they need.
fn collision(path: &Path) -> Option<String> {
    let shown = path.display().to_string();
    OWN_DIRECTORIES.iter().find_map(|own| {
        if path.starts_with(own) {
            Some(format!("mounts has {shown:?}, but bays have a {own} of their own; move it elsewhere, as below /opt"))
        } else if Path::new(own).starts_with(path) {
            Some(format!("mounts has {shown:?}, which would hide {own} of bays; name what is needed in it one by one"))
        } else {
            None
        }
    })
}

fn check_support_name(origin: Origin<'_>, name: &Spanned<String>) -> Result<(), RecipeError> {
    let path = Path::new(name.get_ref());
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !is_plain || name.get_ref().is_empty() || name.get_ref().contains('\0') {
        let problem = format!("support must have names below the folder support, not {:?}", name.get_ref());
        return Err(origin.refuse(name, problem));
    }
    Ok(())
}

fn extension(origin: Origin<'_>, ending: Spanned<String>) -> Result<String, RecipeError> {
    if ending.get_ref().is_empty() || ending.get_ref().contains(['.', '/']) {
        return Err(origin.refuse(&ending, "sources must have file name endings without the dot, such as \"c\""));
    }
    Ok(ending.into_inner())
}

fn version(origin: Origin<'_>, name: &str, version: Spanned<Vec<String>>) -> Result<Vec<String>, RecipeError> {
    if !version.get_ref().first().is_some_and(|program| is_program(program)) {
        return Err(origin.refuse(&version, format!("{name} must start with a program")));
    }
    Ok(version.into_inner())
}

fn needed(origin: Origin<'_>, program: Spanned<String>) -> Result<String, RecipeError> {
    if !is_program(program.get_ref()) {
        return Err(origin.refuse(&program, "programs must be names or absolute paths of programs"));
    }
    Ok(program.into_inner())
}

fn memory(origin: Origin<'_>, table: &MemoryTable) -> Result<MemoryShares, RecipeError> {
    let number = |name: &str, value: &Option<Spanned<u64>>, range: RangeInclusive<u64>| match value {
        Some(value) if !range.contains(value.get_ref()) => {
            let (least, most) = (range.start(), range.end());
            Err(origin.refuse(value, format!("memory.{name} must be an integer from {least} to {most}")))
        }
        value => Ok(value.as_ref().map(|value| *value.get_ref())),
    };
    Ok(MemoryShares {
        heap_percent: number("heap_percent", &table.heap_percent, 1..=100)?,
        reserve_mib: number("reserve_mib", &table.reserve_mib, 0..=MOST_RESERVE_MIB)?,
    })
}

#[cfg(test)]
mod tests;
