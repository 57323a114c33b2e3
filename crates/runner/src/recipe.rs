//! Recipes: how a language is found, run and limited, as written in `languages/*.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use runbay_model::LanguageId;
use runbay_model::LimitOverrides;
use runbay_model::RunInput;
use runbay_sandbox::File;
use runbay_sandbox::Job;
use runbay_sandbox::SupportFile;
use serde::Deserialize;

/// Where programs are looked for, on the host and in the bay.
pub(crate) const SEARCH_PATH: &[&str] = &["/usr/local/bin", "/usr/bin", "/bin"];

/// What every program finds in its environment; recipes add to it.
const ENVIRONMENT: &[(&str, &str)] =
    &[("HOME", "/box"), ("LANG", "C.UTF-8"), ("PATH", "/usr/local/bin:/usr/bin:/bin"), ("TMPDIR", "/tmp")];

/// How a language is found, run and limited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The language's id.
    pub id: LanguageId,
    /// Its name for people.
    pub name: String,
    /// Other names that requests may use.
    pub aliases: Vec<String>,
    /// The file that the source code is written to.
    pub entry: String,
    /// The code of a session that was opened without any.
    pub template: String,
    /// The limits that differ from the defaults.
    pub limits: LimitOverrides,
    /// Host paths that the language needs besides `/usr`.
    pub mounts: Vec<PathBuf>,
    /// Files of ours that it needs in the bay.
    pub support_files: Vec<SupportFile>,
    pub(crate) version: Vec<String>,
    argv: Vec<String>,
    environment: BTreeMap<String, String>,
}

/// A recipe that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// It is no TOML, or has a field that is missing, unknown or of the wrong type.
    #[error("{file}: {message}")]
    Malformed {
        /// The file that holds it.
        file: String,
        /// What is wrong, with line and column.
        message: String,
    },
    /// A field has a value that cannot work.
    #[error("{file}: {field} {problem}")]
    Invalid {
        /// The file that holds it.
        file: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// The file format.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipeFile {
    id: String,
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    entry: String,
    template: String,
    version: Vec<String>,
    #[serde(default)]
    mounts: Vec<PathBuf>,
    #[serde(default)]
    support: Vec<String>,
    run: Stage,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    limits: LimitOverrides,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stage {
    argv: Vec<String>,
}

impl Recipe {
    /// Parses the text of `file`; `support_file` finds the files that it names in `support`.
    ///
    /// # Errors
    ///
    /// [`RecipeError`] names the file and what is wrong in it.
    pub fn parse(file: &str, text: &str, support_file: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Self, RecipeError> {
        let parsed: RecipeFile = toml::from_str(text)
            .map_err(|error| RecipeError::Malformed { file: file.to_owned(), message: error.to_string() })?;
        let invalid =
            |field, problem: &str| RecipeError::Invalid { file: file.to_owned(), field, problem: problem.to_owned() };
        if !parsed.id.starts_with(|first: char| first.is_ascii_lowercase())
            || !parsed.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-_".contains(c))
        {
            return Err(invalid("id", "must be lower case letters, digits, +, - or _"));
        }
        if parsed.entry.is_empty() || parsed.entry.contains(['/', '\0']) {
            return Err(invalid("entry", "must be a plain file name"));
        }
        if parsed.version.is_empty() {
            return Err(invalid("version", "must name a program"));
        }
        if parsed.run.argv.first().is_none_or(|program| program.contains('{')) {
            return Err(invalid("run.argv", "must start with a program"));
        }
        if let Some(mount) = parsed.mounts.iter().find(|mount| !mount.is_absolute()) {
            return Err(invalid("mounts", &format!("must be absolute paths, not {}", mount.display())));
        }
        let mut support_files = Vec::new();
        for name in parsed.support {
            let content =
                support_file(&name).ok_or_else(|| invalid("support", &format!("names {name}, which is missing")))?;
            support_files.push(SupportFile { path: name.into(), content });
        }
        Ok(Self {
            id: LanguageId::new(parsed.id),
            name: parsed.name,
            aliases: parsed.aliases,
            entry: parsed.entry,
            // TOML's multi-line strings are easiest to read with the text on lines of its own.
            template: parsed.template.trim_start_matches('\n').to_owned(),
            limits: parsed.limits,
            mounts: parsed.mounts,
            support_files,
            version: parsed.version,
            argv: parsed.run.argv,
            environment: parsed.environment,
        })
    }

    /// Returns the job that runs `input` with the program at `program`.
    pub(crate) fn run_job(&self, program: &str, input: &RunInput) -> Job {
        let mut argv = vec![program.to_owned()];
        for word in &self.argv[1..] {
            match word.as_str() {
                "{args}" => argv.extend_from_slice(&input.args),
                word => argv.push(word.replace("{entry}", &self.entry)),
            }
        }
        let file = File { name: PathBuf::from(&self.entry), content: input.source_code.clone().into_bytes() };
        Job { files: vec![file], argv, environment: self.environment() }
    }

    /// Returns the job that prints the version of the program at `program`.
    pub(crate) fn version_job(&self, program: &str) -> Job {
        let argv = std::iter::once(program.to_owned()).chain(self.version[1..].iter().cloned()).collect();
        Job { files: Vec::new(), argv, environment: self.environment() }
    }

    /// Returns the name or path of the program that runs the code.
    pub(crate) fn program(&self) -> &str {
        &self.argv[0]
    }

    fn environment(&self) -> Vec<(String, String)> {
        let common = ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut all: BTreeMap<_, _> = common.collect();
        all.extend(self.environment.clone());
        all.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: &str = r#"
id = "lisp"
name = "Lisp"
entry = "main.lisp"
template = '''
(print 1)
'''
version = ["lisp", "--version"]
[run]
argv = ["lisp", "--load={entry}", "{args}", "--end"]
[environment]
LISP_HOME = "/usr/lib/lisp"
[limits]
memory_bytes = 1000
"#;

    fn parse(text: &str) -> Result<Recipe, RecipeError> {
        Recipe::parse("lisp.toml", text, |_| None)
    }

    #[test]
    fn a_job_fills_the_placeholders() {
        let input = RunInput {
            language: LanguageId::new("lisp"),
            source_code: "(print 2)".to_owned(),
            stdin: Vec::new(),
            args: vec!["a b".to_owned(), "{entry}".to_owned()],
        };
        let job = parse(RECIPE).unwrap().run_job("/usr/bin/lisp", &input);
        assert_eq!(job.argv, ["/usr/bin/lisp", "--load=main.lisp", "a b", "{entry}", "--end"]);
        assert_eq!(job.files, [File { name: "main.lisp".into(), content: b"(print 2)".to_vec() }]);
        assert!(job.environment.contains(&("LISP_HOME".to_owned(), "/usr/lib/lisp".to_owned())));
        assert!(job.environment.contains(&("HOME".to_owned(), "/box".to_owned())));
    }

    #[test]
    fn a_template_has_no_empty_first_line() {
        assert_eq!(parse(RECIPE).unwrap().template, "(print 1)\n");
    }

    #[test]
    fn a_broken_recipe_names_file_and_place() {
        let message = |text: &str| parse(text).unwrap_err().to_string();
        let unknown = message(&RECIPE.replace("entry =", "entri ="));
        assert!(unknown.starts_with("lisp.toml: TOML parse error at line 4, column 1"), "{unknown}");
        assert_eq!(
            message(&RECIPE.replace("\"lisp\"\nname", "\"Lisp\"\nname")),
            "lisp.toml: id must be lower case letters, digits, +, - or _"
        );
        assert_eq!(message(&RECIPE.replace("\"main.lisp\"", "\"../x\"")), "lisp.toml: entry must be a plain file name");
        assert_eq!(
            message(&RECIPE.replace("[run]", "support = [\"x.l\"]\n[run]")),
            "lisp.toml: support names x.l, which is missing"
        );
        assert_eq!(
            message(&RECIPE.replace("[run]", "mounts = [\"opt\"]\n[run]")),
            "lisp.toml: mounts must be absolute paths, not opt"
        );
    }
}
