//! What a job can ask of a bay besides files and a program.

use runbay_sandbox::ProgramEnd;
use runbay_sandbox::StderrTarget;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::answer;
use crate::attack::text;

#[tokio::test]
async fn both_outputs_go_to_one_stream_in_order() {
    let arena = Arena::open().await;
    let mut attack = Attack::new(
        "
        import os, subprocess
        for number in range(200):
            os.write(1, b'o%d ' % number)
            os.write(2, b'e%d ' % number)
        os.write(os.open('/dev/stderr', os.O_WRONLY), b'last')
    ",
    );
    attack.invocation.runtime.stderr = StderrTarget::Stdout;
    let report = arena.run(&attack).await;
    let expected: String = (0..200).map(|number| format!("o{number} e{number} ")).collect();
    assert_eq!(String::from_utf8_lossy(&report.stdout), expected + "last", "{}", text(&report));
    assert!(report.stderr.is_empty());
    arena.close().await;
}

#[tokio::test]
async fn a_limit_on_data_lets_a_runtime_see_that_memory_ran_out() {
    let arena = Arena::open().await;
    let mut attack = Attack::new(
        "
        from attack import answer
        try:
            x = bytearray(48 << 20)
            answer(caught=False)
        except MemoryError:
            answer(caught=True)
    ",
    );
    assert_eq!(answer(&arena.run(&attack).await), json!({"caught": false}));
    attack.limits.data_bytes = Some(32 * MIB);
    let report = arena.run(&attack).await;
    assert_eq!((answer(&report), report.usage.memory_kills), (json!({"caught": true}), 0));
    arena.close().await;
}

#[tokio::test]
async fn a_bay_without_memory_for_its_program_ran_out_of_memory() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    for bytes in [0, 4_096, 256 * 1_024] {
        let report = arena.run(&Attack::new("print('x')").memory(bytes)).await;
        assert!(report.usage.memory_kills > 0, "{bytes} bytes: {}", text(&report));
        assert_eq!((report.end, report.stop), (ProgramEnd::Killed, None), "{bytes} bytes: {}", text(&report));
    }
    arena.close().await;
}
