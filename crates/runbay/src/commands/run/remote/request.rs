//! What is asked of the server.

use anyhow::Context;
use runbay_client::Code;
use runbay_client::File;
use runbay_model::MAX_STDIN_BYTES;
use runbay_model::Sources;

use crate::commands::run::Run;
use crate::commands::run::program;

/// Reads the files of a program, and finds its language among those that come with this version.
///
/// Limits, arguments and environment are for the server to judge, which may allow more.
pub(super) fn request(run: Run) -> anyhow::Result<runbay_client::Run> {
    let found = program::find_recipe(runbay_runner::recipes(None)?, &run.files[0], run.language.as_deref());
    let (recipe, language) = match (found, run.language) {
        (Ok(recipe), _) => (Some(recipe.clone()), recipe.id.to_string()),
        // The server may have more languages.
        (Err(_), Some(language)) => (None, language),
        (Err(error), None) => return Err(error),
    };
    let stdin = run.stdin.as_deref().map(|file| program::read(file, MAX_STDIN_BYTES)).transpose()?.unwrap_or_default();
    let stdin = String::from_utf8(stdin).context("--stdin is not UTF-8 text; --interactive passes all bytes on")?;
    Ok(runbay_client::Run {
        language: Some(language),
        code: Some(code(&program::read_sources(recipe.as_ref(), &run.files)?)),
        stdin,
        args: run.args,
        env: run.env.into_iter().collect(),
        limits: run.limits.unwrap_or_default().0,
        interactive: run.remote.interactive,
        tty: run.remote.tty,
        ..runbay_client::Run::default()
    })
}

fn code(sources: &Sources) -> Code {
    let Some(entry) = sources.entry_name() else {
        return Code::Source(sources.source_code().to_owned());
    };
    let entry = File { name: entry.to_string(), content: sources.source_code().into() };
    let others =
        sources.others().iter().map(|file| File { name: file.name.to_string(), content: file.content.clone() });
    Code::Files(std::iter::once(entry).chain(others).collect())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        run: Run,
    }

    fn parse(arguments: &[&str]) -> Result<Run, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"run").chain(arguments)).map(|cli| cli.run)
    }

    fn asked(files: &[(&str, &[u8])], arguments: &[&str]) -> anyhow::Result<runbay_client::Run> {
        let folder = tempfile::tempdir()?;
        let mut run = parse(&[&["unused", "--remote", "http://localhost"], arguments].concat())?;
        run.files = files.iter().map(|(name, _)| folder.path().join(name)).collect();
        for ((_, content), path) in files.iter().zip(&run.files) {
            std::fs::write(path, content)?;
        }
        request(run)
    }

    #[test]
    fn a_program_is_sent_as_it_would_be_run_here() {
        let sent =
            asked(&[("app.py", b"1"), ("data", b"\xff")], &["--env", "A=1", "--interactive", "--", "-x"]).unwrap();
        assert_eq!((sent.language.as_deref(), sent.args.as_slice()), (Some("python"), &["-x".to_owned()][..]));
        assert_eq!((sent.env["A"].as_str(), sent.interactive, sent.tty), ("1", true, false));
        let file = |name: &str, content: &[u8]| File { name: name.to_owned(), content: content.to_vec() };
        assert_eq!(sent.code, Some(Code::Files(vec![file("app.py", b"1"), file("data", b"\xff")])));
    }

    #[test]
    fn the_server_may_have_other_languages() {
        let sent = asked(&[("hello.awk", b"BEGIN {}")], &["--language", "awk"]).unwrap();
        assert_eq!(sent.language.as_deref(), Some("awk"));
        assert_eq!(sent.code, Some(Code::Source("BEGIN {}".to_owned())));
        assert!(asked(&[("hello.awk", b"BEGIN {}")], &[]).is_err());
    }

    #[test]
    fn input_is_text_unless_it_is_passed_on() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("input");
        std::fs::write(&file, b"\xff").unwrap();
        let error = asked(&[("app.py", b"1")], &["--stdin", file.to_str().unwrap()]).unwrap_err();
        assert_eq!(error.to_string(), "--stdin is not UTF-8 text; --interactive passes all bytes on");
    }

    #[test]
    fn flags_that_do_not_belong_together_are_refused() {
        let remote = ["a.py", "--remote", "http://localhost"];
        for more in [&["--user", "a"][..], &["--languages-dir", "a"], &["--tty"]] {
            assert!(parse(&[&remote[..], more].concat()).is_err(), "{more:?}");
        }
        assert!(parse(&[&remote[..], &["--interactive", "--stdin", "-"]].concat()).is_err());
        assert!(parse(&["a.py", "--interactive"]).is_err());
        assert!(parse(&["a.py", "--key", "k"]).is_ok(), "a key may be in the environment all the time");
        assert!(parse(&[&remote[..], &["--interactive", "--tty"]].concat()).is_ok());
    }
}
