//! Recipes that somebody is still writing.

use proptest::prelude::*;
use runbay_testkit::damage;

use crate::Recipe;

const RECIPES: [&str; 3] = [
    include_str!("../../../languages/python.toml"),
    include_str!("../../../languages/c.toml"),
    include_str!("../../../languages/java.toml"),
];

proptest! {
    #[test]
    fn a_damaged_recipe_is_a_recipe_or_a_refusal_that_names_the_file(which in 0..RECIPES.len(), damage in damage()) {
        let parse = |text: &str| Recipe::parse("fuzz.toml", text, |_| Ok(Some(Vec::new())));
        prop_assert!(parse(RECIPES[which]).is_ok());
        if let Err(refusal) = parse(&damage.of_text(RECIPES[which])) {
            prop_assert!(refusal.to_string().contains("fuzz.toml"), "{}", refusal);
        }
    }
}
