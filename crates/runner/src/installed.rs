//! Languages that work on this host.

use runbay_model::Language;
use runbay_model::Limits;

use crate::probe::Found;
use crate::recipe::Recipe;

/// A recipe with the programs that were found for it on this host.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) recipe: Recipe,
    pub(crate) found: Found,
    /// The limits of a run whose request chooses none.
    pub(crate) limits: Limits,
}

impl Installed {
    pub(crate) fn language(&self) -> Language {
        Language {
            id: self.recipe.id.clone(),
            name: self.recipe.name.clone(),
            aliases: self.recipe.aliases.clone(),
            version: self.found.version.clone(),
            template: self.recipe.template.clone(),
            entry: self.recipe.entry.clone(),
            is_compiled: self.recipe.compile.is_some(),
            has_checker: matches!(self.found.checker, Ok(Some(_))),
            has_repl: self.recipe.has_repl(),
            limits: self.limits,
        }
    }
}
