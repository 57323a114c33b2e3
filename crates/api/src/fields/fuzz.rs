//! Bodies that a client could have sent.

use proptest::prelude::*;
use runbay_engine::RunRequest;
use runbay_model::CodeChange;
use runbay_model::LimitRanges;
use runbay_testkit::damage;
use tokio::runtime::Runtime;

use super::RunSession;
use crate::extract::parse_member;
use crate::problem::Code;

const BODY: &str = r#"{"language":"python","files":[{"name":"main.py","content":"print(1)"},
    {"name":"lib/data.bin","content":"AP8K","encoding":"base64"}],"env":{"A":"1"},"priority":"low",
    "limits":{"wall_time_ms":1000,"memory_bytes":67108864},"stop_on_failure":true,
    "tests":[{"name":"a","stdin":"1\\n","args":["-x"],"expected_stdout":"1","match":"regex"}]}"#;

/// Returns the request that a body makes, or what is refused.
fn read(runtime: &Runtime, text: &str) -> Result<RunRequest, Code> {
    let RunSession(program) = parse_member(text).map_err(|problem| problem.code())?;
    runtime.block_on(program.read(&LimitRanges::default())).map_err(|problem| problem.code())
}

proptest! {
    #[test]
    fn a_damaged_body_is_refused_as_the_clients_fault_or_a_program(damage in damage()) {
        let runtime = Runtime::new().expect("a runtime can be started");
        let whole = read(&runtime, BODY).map(|request| request.code);
        prop_assert!(matches!(whole, Ok(Some(CodeChange::Files(_)))), "{:?}", whole);
        match read(&runtime, &damage.of_text(BODY)) {
            Ok(RunRequest { code: Some(CodeChange::Files(sources)), .. }) => {
                let names = sources.others().iter().map(|file| file.name.as_str());
                prop_assert!(names.chain(sources.entry_name().map(|name| name.as_str()))
                    .all(|name| !name.starts_with('/') && name.split('/').all(|part| part != "..")));
            }
            Ok(_) => {}
            // Whatever is refused is the fault of the body: none of these is a 5xx.
            Err(code) => prop_assert!(code.status().is_client_error(), "{code}"),
        }
    }
}
