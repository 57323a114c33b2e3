//! All recipes: the embedded ones, and those that the operator adds or replaces.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use runbay_sandbox::SupportFile;

use crate::embedded;
use crate::recipe::Recipe;
use crate::recipe::RecipeError;

/// The folder beside recipes that holds their support files.
const SUPPORT: &str = "support";

/// Collects the embedded recipes and those in `folder`, in the order in which languages are listed.
///
/// Every `*.toml` of the folder is a recipe. It replaces the embedded one with the same id, or comes after all others.
/// Its support files are looked for in the folder's own `support` first.
///
/// # Errors
///
/// [`RecipeError`] when the folder or a file cannot be read or used, or when two languages share a name.
pub fn recipes(folder: Option<&Path>) -> Result<Vec<Recipe>, RecipeError> {
    let embedded_support_file = |name: &str| Ok(embedded::support_file(name));
    let mut all = Vec::new();
    for (file, text) in embedded::RECIPES {
        all.push(Recipe::parse(file, text, embedded_support_file)?);
    }
    let mut added: Vec<Recipe> = Vec::new();
    for recipe in folder.map(read_folder).transpose()?.unwrap_or_default() {
        if let Some(twin) = added.iter().find(|other| other.id == recipe.id) {
            return Err(name_taken(twin, &recipe, recipe.id.as_str()));
        }
        added.push(recipe);
    }
    for recipe in added {
        match all.iter_mut().find(|known| known.id == recipe.id) {
            Some(known) => *known = recipe,
            None => all.push(recipe),
        }
    }
    check_names(&all)?;
    check_support_files(&all)?;
    Ok(all)
}

fn read_folder(folder: &Path) -> Result<Vec<Recipe>, RecipeError> {
    let unreadable = |error| RecipeError::ReadFolder(folder.to_owned(), error);
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        files.push(entry.map_err(unreadable)?.path());
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files.iter().map(|file| read_recipe(folder, file)).collect()
}

fn read_recipe(folder: &Path, file: &Path) -> Result<Recipe, RecipeError> {
    let text = fs::read_to_string(file).map_err(|error| RecipeError::ReadFile(file.to_owned(), error))?;
    Recipe::parse(&file.display().to_string(), &text, |name| {
        let path = folder.join(SUPPORT).join(name);
        match fs::read(&path) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(embedded::support_file(name)),
            Err(error) => Err(RecipeError::ReadFile(path, error)),
        }
    })
}

fn check_names(recipes: &[Recipe]) -> Result<(), RecipeError> {
    let mut owners: HashMap<&str, &Recipe> = HashMap::new();
    for recipe in recipes {
        for name in std::iter::once(recipe.id.as_str()).chain(recipe.aliases.iter().map(String::as_str)) {
            if let Some(owner) = owners.insert(name, recipe) {
                return Err(name_taken(owner, recipe, name));
            }
        }
    }
    Ok(())
}

/// Checks that support files with the same name have the same content.
fn check_support_files(recipes: &[Recipe]) -> Result<(), RecipeError> {
    let mut owners: HashMap<&Path, (&Recipe, &SupportFile)> = HashMap::new();
    for recipe in recipes {
        for file in &recipe.support_files {
            let (owner, known) = *owners.entry(&file.path).or_insert((recipe, file));
            if known.content != file.content {
                return Err(RecipeError::SupportFileTaken {
                    first: owner.file.clone(),
                    second: recipe.file.clone(),
                    name: file.path.display().to_string(),
                });
            }
        }
    }
    Ok(())
}

fn name_taken(first: &Recipe, second: &Recipe, name: &str) -> RecipeError {
    RecipeError::NameTaken { first: first.file.clone(), second: second.file.clone(), name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn recipe(id: &str, more: &str) -> String {
        let start = format!("id = {id:?}\nname = \"X\"\nentry = \"main.x\"\nversion = [\"x\"]\ntemplate = \"\"\n");
        start + more + "\n[run]\nargv = [\"x\"]\n"
    }

    /// Returns the error for a folder with these files, without the folder's path.
    fn refusal(files: &[(&str, &str)]) -> String {
        let folder = folder(files);
        let error = recipes(Some(folder.path())).unwrap_err();
        error.to_string().replace(&format!("{}/", folder.path().display()), "")
    }

    fn ids(recipes: &[Recipe]) -> Vec<&str> {
        recipes.iter().map(|recipe| recipe.id.as_str()).collect()
    }

    #[test]
    fn the_recipes_of_the_program_can_be_used() {
        let all = recipes(None).unwrap();
        assert_eq!(all.len(), embedded::RECIPES.len());
        assert_eq!(ids(&all)[..2], ["python", "javascript"]);
    }

    #[test]
    fn a_folder_adds_and_replaces() {
        let own = recipe("python", "support = [\"own.py\", \"python/sitecustomize.py\"]");
        let folder = folder(&[
            ("b.toml", &recipe("zig", "")),
            ("a.toml", &recipe("lisp", "aliases = [\"cl\"]")),
            ("own.toml", &own),
            ("support/own.py", "1"),
            ("notes.txt", "no recipe"),
        ]);
        let all = recipes(Some(folder.path())).unwrap();
        let ids = ids(&all);
        assert_eq!((ids[0], &ids[ids.len() - 2..]), ("python", &["lisp", "zig"][..]));
        assert_eq!(all[0].name, "X");
        let content: Vec<_> = all[0].support_files.iter().map(|file| file.content.clone()).collect();
        assert_eq!(content, [b"1".to_vec(), embedded::support_file("python/sitecustomize.py").unwrap()]);
    }

    #[test]
    fn names_are_used_once() {
        let python = recipe("lisp", "aliases = [\"python\"]");
        assert_eq!(
            refusal(&[("lisp.toml", &python)]),
            "python.toml and lisp.toml both use the name \"python\"; every id and alias has to be different"
        );
        assert_eq!(
            refusal(&[("a.toml", &recipe("lisp", "")), ("b.toml", &recipe("lisp", ""))]),
            "a.toml and b.toml both use the name \"lisp\"; every id and alias has to be different"
        );
        assert!(refusal(&[("a.toml", &recipe("a", "aliases = [\"a\"]"))]).contains("both use the name \"a\""));
    }

    #[test]
    fn a_support_file_is_not_put_in_the_place_of_another_languages() {
        let lisp = recipe("lisp", "support = [\"python/sitecustomize.py\"]");
        assert_eq!(
            refusal(&[("lisp.toml", &lisp), ("support/python/sitecustomize.py", "other")]),
            "python.toml and lisp.toml name support files that differ but are both called \
             \"python/sitecustomize.py\"; rename one"
        );
        let shared = folder(&[("lisp.toml", &lisp)]);
        assert!(recipes(Some(shared.path())).is_ok());
    }

    #[test]
    fn what_cannot_be_read_or_used_is_named() {
        assert!(refusal(&[("a.toml", "id = 1")]).starts_with("a.toml:1: "));
        let missing = recipes(Some(Path::new("/no/such/folder"))).unwrap_err();
        assert_eq!(missing.to_string(), "failed to read the folder of recipes /no/such/folder");
        let directory = folder(&[("a.toml/x", "")]);
        let error = recipes(Some(directory.path())).unwrap_err();
        assert!(matches!(error, RecipeError::ReadFile(path, _) if path.ends_with("a.toml")));
    }
}
