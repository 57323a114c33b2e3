//! Recipes, version probes and verdicts: from source code to an outcome.
