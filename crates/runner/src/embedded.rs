//! The recipes and support files that are part of the program.

macro_rules! language_files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../languages/", $name)))),*]
    };
}

/// The recipes, in the order in which languages are listed.
pub(crate) const RECIPES: &[(&str, &str)] = language_files!(
    "python.toml"
    "javascript.toml"
    "typescript.toml"
    "java.toml"
    "c.toml"
    "cpp.toml"
    "go.toml"
    "rust.toml"
    "ruby.toml"
    "php.toml"
    "bash.toml"
    "perl.toml"
    "lua.toml"
    "sql.toml"
);

const SUPPORT_FILES: &[(&str, &str)] = language_files!(
    "support/bash/start.sh"
    "support/c/compile.sh"
    "support/c/own_sources.sh"
    "support/c/unbuffered.c"
    "support/check_each.sh"
    "support/cpp/flags"
    "support/cpp/precompiled.sh"
    "support/go/build.sh"
    "support/java/compile.sh"
    "support/java/outline.awk"
    "support/javascript/blocking_output.js"
    "support/perl/LineBuffered.pm"
    "support/perl/MarkedWarnings.pm"
    "support/python/sitecustomize.py"
    "support/ruby/gems.rb"
    "support/ruby/start.rb"
    "support/rust/compile.sh"
    "support/sql/Script.pm"
    "support/sql/run.pl"
    "support/typescript/bundle.sh"
    "support/typescript/check.js"
    "support/typescript/check.sh"
    "support/typescript/node.d.ts"
);

/// Returns the content of a support file by its name below `support`.
pub(crate) fn support_file(name: &str) -> Option<Vec<u8>> {
    let (_, content) = SUPPORT_FILES.iter().find(|(file, _)| file.strip_prefix("support/") == Some(name))?;
    Some(content.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_recipe_of_the_project_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../languages");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".toml"))
            .collect();
        let mut embedded: Vec<_> = RECIPES.iter().map(|(name, _)| (*name).to_owned()).collect();
        files.sort();
        embedded.sort();
        assert_eq!(embedded, files);
    }
}
