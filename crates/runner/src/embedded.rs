//! The recipes and support files that are part of the program.

use crate::recipe::Recipe;
use crate::recipe::RecipeError;

macro_rules! language_file {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../languages/", $name)))
    };
}

/// In the order in which languages are listed.
const RECIPES: &[(&str, &str)] = &[language_file!("python.toml"), language_file!("javascript.toml")];

const SUPPORT_FILES: &[(&str, &str)] =
    &[language_file!("support/python/sitecustomize.py"), language_file!("support/javascript/blocking_output.js")];

/// Parses the recipes that are part of the program.
///
/// # Errors
///
/// [`RecipeError`] names the file and the line; a release cannot have one, a test sees to that.
pub fn embedded_recipes() -> Result<Vec<Recipe>, RecipeError> {
    RECIPES.iter().map(|(file, text)| Recipe::parse(file, text, support_file)).collect()
}

fn support_file(name: &str) -> Option<Vec<u8>> {
    let (_, content) = SUPPORT_FILES.iter().find(|(file, _)| file.strip_prefix("support/") == Some(name))?;
    Some(content.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_embedded_recipes_parse() {
        let recipes = embedded_recipes().unwrap();
        let ids: Vec<_> = recipes.iter().map(|recipe| recipe.id.as_str()).collect();
        assert_eq!(ids, ["python", "javascript"]);
    }
}
