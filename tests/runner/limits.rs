//! Limits of the request, over those of the language.

use runbay_model::Fault;
use runbay_model::LimitOverrides;
use runbay_model::Limits;
use runbay_model::Outcome;
use runbay_model::RunInput;
use runbay_model::TimeLimit;
use runbay_model::Verdict;
use runbay_model::Work;
use runbay_runner::RunnerSettings;

use crate::host::Host;
use crate::host::compiled;
use crate::host::compiler_of;
use crate::host::plain;
use crate::host::program;

const MIB: u64 = 1 << 20;

fn limited(input: RunInput, limits: &[(&str, u64)]) -> RunInput {
    let mut overrides = LimitOverrides::default();
    for (name, value) in limits {
        assert!(overrides.set(name, *value), "{name}");
    }
    RunInput { work: Work { limits: overrides, ..input.work }, ..input }
}

async fn failed(input: &RunInput) -> (Verdict, Outcome) {
    Host::open().await.run(input).await
}

#[tokio::test]
async fn the_request_decides_within_what_the_operator_allows() {
    let settings = RunnerSettings {
        default_limits: Limits { open_files: 40, processes: 20, ..Limits::default() },
        most_limits: Limits { memory_bytes: 100 * MIB, ..Limits::MOST },
        ..RunnerSettings::default()
    };
    let host = Host::open_with(settings).await;
    let script = plain("ulimit -n; echo $MEMORY");
    assert_eq!(host.said(&script).await, "40\n100 50\n", "no default is above the most");
    let input = limited(script, &[("open_files", 30), ("memory_bytes", 64 * MIB)]);
    assert_eq!(host.said(&input).await, "30\n64 32\n");
    let catalog = host.runner.catalog();
    assert_eq!(catalog.find("plain").map(|language| language.limits.memory_bytes), Some(100 * MIB));
}

#[tokio::test]
async fn files_that_do_not_fit_are_the_programs_fault() {
    let (verdict, outcome) = failed(&limited(
        compiled(&format!("{}\nhead -c 4000000 /dev/zero >> \"$1\"", compiler_of("exit 0"))),
        &[("disk_bytes", 2 * MIB)],
    ))
    .await;
    assert_eq!(verdict, Verdict::Failed(Fault::RuntimeError));
    let message = outcome.facts.message.unwrap();
    assert_eq!(message, "The program's files do not fit into its limits: disk_bytes is 2 MiB, inodes is 4096.");
    assert!(outcome.facts.compile_time.is_some());
}

#[tokio::test]
async fn memory_may_be_used_up_before_the_start() {
    let padding = "x".repeat(900_000);
    let source = format!("{}\nhead -c 60000000 /dev/zero >> \"$1\"", compiler_of("exit 0"));
    let input = program("compiled", &[("main.script", &source), ("padding", &padding)]);
    let (verdict, _) = failed(&limited(input, &[("memory_bytes", 16 * MIB)])).await;
    assert_eq!(verdict, Verdict::Failed(Fault::MemoryLimit));
}

#[tokio::test]
async fn a_runtime_may_say_itself_that_memory_ran_out() {
    let (verdict, outcome) = failed(&plain("echo no memory left >&2; exit 7")).await;
    assert_eq!((verdict, outcome.facts.exit_code), (Verdict::Failed(Fault::MemoryLimit), Some(7)));
    let (verdict, _) = failed(&plain("echo no luck >&2; exit 7")).await;
    assert_eq!(verdict, Verdict::Failed(Fault::RuntimeError));
}

#[tokio::test]
async fn the_stack_is_what_the_request_says_and_can_be_raised() {
    let host = Host::open().await;
    let script = plain("ulimit -Ss; ulimit -Ss 131072 && ulimit -Ss");
    assert_eq!(host.said(&script).await, "8192\n131072\n");
    assert_eq!(host.said(&limited(script.clone(), &[("stack_bytes", 64 * MIB)])).await, "65536\n131072\n");
    let small = limited(script, &[("stack_bytes", 512 * MIB), ("memory_bytes", 32 * MIB)]);
    assert_eq!(host.said(&small).await, "32768\n131072\n", "no more than the memory");
    let compiler = "ulimit -Ss; ulimit -Ss 131072 && ulimit -Ss; exit 1";
    let (_, outcome) = host.run(&compiled(compiler)).await;
    assert_eq!(outcome.output.compile_output.as_deref(), Some(&b"8192\n131072\n"[..]));
}

#[tokio::test]
async fn time_is_what_the_request_says() {
    let (verdict, outcome) = failed(&limited(plain("echo begun; sleep 60"), &[("wall_time_ms", 1000)])).await;
    assert_eq!((verdict, outcome.output.stdout.as_slice()), (Verdict::TimedOut(TimeLimit::WallTime), &b"begun\n"[..]));
}
