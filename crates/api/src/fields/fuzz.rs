//! Bodies that a client could have sent.

use proptest::prelude::*;
use runbay_model::CodeChange;
use runbay_model::LimitRanges;
use runbay_testkit::damage;
use serde::Deserialize;

use super::ChosenLimits;
use super::CodeFields;
use super::Files;
use crate::extract::parse_member;
use crate::problem::Code;

const BODY: &str = r#"{"source_code":null,"files":[{"name":"main.py","content":"print(1)"},
    {"name":"lib/data.bin","content":"AP8K","encoding":"base64"}],"limits":{"wall_time_ms":1000,"memory_bytes":67108864}}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    source_code: Option<String>,
    files: Option<Files>,
    #[serde(default)]
    limits: ChosenLimits,
}

/// Returns the change of the code, or what is refused.
fn read(text: &str) -> Result<Option<CodeChange>, Code> {
    let body: Body = parse_member(text).map_err(|problem| problem.code())?;
    body.limits.read(&LimitRanges::default()).map_err(|problem| problem.code())?;
    CodeFields { source_code: body.source_code, files: body.files }.change().map_err(|problem| problem.code())
}

proptest! {
    #[test]
    fn a_damaged_body_is_refused_as_the_clients_fault_or_a_program(damage in damage()) {
        prop_assert!(matches!(read(BODY), Ok(Some(CodeChange::Files(_)))));
        match read(&damage.of_text(BODY)) {
            Ok(Some(CodeChange::Files(sources))) => {
                let names = sources.others().iter().map(|file| file.name.as_str());
                prop_assert!(names.chain(sources.entry_name().map(|name| name.as_str()))
                    .all(|name| !name.starts_with('/') && name.split('/').all(|part| part != "..")));
            }
            Ok(_) => {}
            Err(code) => prop_assert!(
                matches!(code, Code::InvalidJson | Code::InvalidBody | Code::SourceTooLarge | Code::FilesTooLarge),
                "{code}"
            ),
        }
    }
}
