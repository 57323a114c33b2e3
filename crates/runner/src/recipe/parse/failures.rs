//! Parsing what a recipe knows of programs that fail.

use runbay_sandbox::ProgramEnd;
use toml::Spanned;

use crate::recipe::OutOfMemory;
use crate::recipe::RecipeError;
use crate::recipe::error::Origin;
use crate::recipe::format::HintTable;
use crate::recipe::format::OutOfMemoryTable;
use crate::recipe::hint::Hint;
use crate::signal;

pub(super) fn out_of_memory(origin: Origin<'_>, table: &OutOfMemoryTable) -> Result<OutOfMemory, RecipeError> {
    let end = match (table.exit_code, &table.signal) {
        (Some(code @ 1..=255), None) => ProgramEnd::Exited(code),
        (None, Some(name)) => ProgramEnd::Signalled(signal_number(origin, "out_of_memory", name)?),
        _ => {
            let problem = "out_of_memory must have either an exit_code from 1 to 255 or a signal";
            return Err(origin.refuse(&table.stderr, problem));
        }
    };
    if table.stderr.get_ref().is_empty() {
        return Err(origin.refuse(&table.stderr, "out_of_memory.stderr must not be empty"));
    }
    OutOfMemory::parse(end, table.stderr.get_ref(), table.any_line)
        .map_err(|problem| origin.refuse(&table.stderr, format!("out_of_memory.stderr {problem}")))
}

pub(super) fn hint(origin: Origin<'_>, table: &HintTable) -> Result<Hint, RecipeError> {
    if table.signal.is_none() && table.source.is_none() && table.stderr.is_none() {
        return Err(origin.refuse(&table.message, "hint must have a signal, a source or a stderr"));
    }
    let message = table.message.get_ref();
    if message.trim().is_empty() || message.ends_with('.') || message.chars().any(char::is_control) {
        return Err(origin.refuse(&table.message, "hint.message must be a part of a sentence, without its full stop"));
    }
    let signal = table.signal.as_ref().map(|name| signal_number(origin, "hint", name)).transpose()?;
    let mut hint = Hint::new(signal, message);
    if let Some(source) = &table.source {
        let refused = |problem| origin.refuse(source, format!("hint.source {problem}"));
        hint = hint.with_source(source.get_ref()).map_err(refused)?;
    }
    if let Some(stderr) = &table.stderr {
        let refused = |problem| origin.refuse(stderr, format!("hint.stderr {problem}"));
        hint = hint.with_stderr(stderr.get_ref()).map_err(refused)?;
    }
    Ok(hint)
}

fn signal_number(origin: Origin<'_>, table: &str, name: &Spanned<String>) -> Result<i32, RecipeError> {
    let text = name.get_ref();
    signal::number(text)
        .ok_or_else(|| origin.refuse(name, format!("{table}.signal names {text:?}, which is no signal")))
}
