//! The files of a program, and the language that they are in.

use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use runbay_model::MAX_FILES_BYTES;
use runbay_model::Sources;
use runbay_runner::Recipe;

pub(super) fn find_recipe(recipes: Vec<Recipe>, file: &Path, language: Option<&str>) -> anyhow::Result<Recipe> {
    let fits = |recipe: &Recipe| match language {
        Some(name) => recipe.id.as_str() == name || recipe.aliases.iter().any(|alias| alias == name),
        None => is_source_file(recipe, file),
    };
    let known: Vec<_> = recipes.iter().map(|recipe| recipe.id.to_string()).collect();
    recipes.into_iter().find(fits).with_context(|| match language {
        Some(name) => format!("there is no language {name:?}; there are {}", known.join(", ")),
        None => format!(
            "the ending of {} tells no language; choose one of {} with --language",
            file.display(),
            known.join(", ")
        ),
    })
}

/// Reads the files of a program; their names are relative to the directory of the first one.
///
/// `recipe` is none for a language that only a server knows.
pub(super) fn read_sources(recipe: Option<&Recipe>, files: &[PathBuf]) -> anyhow::Result<Sources> {
    let mut named = Vec::with_capacity(files.len());
    let directory = files.first().map(|entry| directory_of(entry)).transpose()?.unwrap_or_default();
    for file in files {
        let content = read(file, MAX_FILES_BYTES)?;
        let path = directory_of(file)?.join(file.file_name().unwrap_or_default());
        let name = path.strip_prefix(&directory).ok().and_then(Path::to_str).with_context(|| {
            format!("{} is not in the directory of {} or below it", file.display(), files[0].display())
        })?;
        named.push((name.to_owned(), content));
    }
    // A compiler would not know what to do with a file that has another name.
    let sources = match named.as_mut_slice() {
        [(_, content)] if !recipe.is_some_and(|recipe| is_source_file(recipe, &files[0])) => {
            let text = String::from_utf8(std::mem::take(content));
            Sources::single(text.with_context(|| format!("{} is not UTF-8 text", files[0].display()))?)
        }
        _ => Sources::of_files(named),
    };
    sources.with_context(|| format!("{} cannot be run", files[0].display()))
}

fn directory_of(file: &Path) -> anyhow::Result<PathBuf> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    parent.canonicalize().with_context(|| format!("failed to read {}", file.display()))
}

fn is_source_file(recipe: &Recipe, file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        recipe.has_extension(extension) || Path::new(&recipe.entry).extension().is_some_and(|own| own == extension)
    })
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read(file: &Path, limit: usize) -> anyhow::Result<Vec<u8>> {
    let context = || format!("failed to read {}", file.display());
    let mut bytes = Vec::new();
    let room = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    if file == Path::new("-") {
        std::io::stdin().lock().take(room).read_to_end(&mut bytes).with_context(context)?;
    } else {
        std::fs::File::open(file).with_context(context)?.take(room).read_to_end(&mut bytes).with_context(context)?;
    }
    anyhow::ensure!(bytes.len() <= limit, "{} is larger than {limit} bytes", file.display());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(file: &str, language: Option<&str>) -> anyhow::Result<Recipe> {
        find_recipe(runbay_runner::recipes(None).unwrap(), Path::new(file), language)
    }

    #[test]
    fn the_ending_tells_the_language() {
        assert_eq!(python("x/main.py", None).unwrap().id.as_str(), "python");
        assert_eq!(python("main.txt", Some("py")).unwrap().id.as_str(), "python");
        let unknown = python("main.xyz", None).unwrap_err().to_string();
        assert!(unknown.starts_with("the ending of main.xyz tells no language; choose one of python, "), "{unknown}");
    }

    #[test]
    fn files_are_called_as_they_are_below_the_first_ones_directory() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, name).unwrap();
            path
        };
        let recipe = python("main.py", None).unwrap();
        let sources =
            read_sources(Some(&recipe), &[file("src/app.py"), file("src/lib/x.py"), file("src/data")]).unwrap();
        assert_eq!(sources.entry_name().unwrap().as_str(), "app.py");
        let others: Vec<_> = sources.others().iter().map(|other| other.name.as_str()).collect();
        assert_eq!(others, ["lib/x.py", "data"]);
        let outside = read_sources(Some(&recipe), &[file("src/app.py"), file("x.py")]).unwrap_err().to_string();
        assert!(outside.contains("x.py is not in the directory of"), "{outside}");
        let renamed = read_sources(Some(&recipe), &[file("program")]).unwrap();
        assert_eq!((renamed.entry_name(), renamed.source_code()), (None, "program"));
    }
}
