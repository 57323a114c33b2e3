//! Bash: deep recursion, an environment of its own, and scripts of other systems.

use runbay_model::Fault;
use runbay_model::Verdict;

use crate::host::Host;
use crate::shapes::assert_prints;
use crate::shapes::run;

#[tokio::test(flavor = "multi_thread")]
async fn functions_may_call_themselves_deep() {
    let host = Host::of("bash").await;
    let count = "count() {\n    if [ \"$1\" -eq 0 ]; then\n        echo bottom\n    else\n        count $(($1 - 1))\n    fi\n}\n";
    assert_prints(&host, "bash", &[("main.sh", &format!("{count}count 1900\n"))], "bottom\n").await;
}

/// Also where each call has variables, which make it slower.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_calls_itself_without_end_is_told_so() {
    let host = Host::of("bash").await;
    let code =
        "f() {\n    local n=$1 text='a b' next\n    next=$((n + 1))\n    if [ $n -gt 0 ]; then f $next; fi\n}\nf 1\n";
    let (verdict, outcome) = run(&host, "bash", &[("main.sh", code)]).await;
    let said = String::from_utf8_lossy(&outcome.output.stderr);
    assert!(said.contains("main.sh: line 4: f: maximum function nesting level exceeded"), "{verdict:?} {outcome:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_and_what_it_starts_find_nothing_of_ours() {
    let host = Host::of("bash").await;
    let code = "env | cut -d= -f1 | sort | tr '\\n' ' '; echo \"$0 ${BASH_SOURCE[*]} $LINENO\"\n\
        bash -c 'echo \"${FUNCNEST-none} ${BASH_ENV-none}\"'\n";
    let printed = "HOME LANG PATH PWD SHLVL TMPDIR _ main.sh main.sh 1\nnone none\n";
    assert_prints(&host, "bash", &[("main.sh", code)], printed).await;
    assert_prints(&host, "bash", &[("main.sh", "echo \"$_\"\n")], "/usr/bin/bash\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_another_system_are_explained() {
    let host = Host::of("bash").await;
    for (code, exit_code) in [
        ("greet() {\r\n  echo hi\r\n}\r\ngreet\r\n", 2),
        ("nothing_like_this\r\n", 127),
        ("for i in 1 2; do\r\n  echo $i\r\ndone\r\n", 2),
        ("set -e\r\n\r\n", 127),
    ] {
        let (verdict, outcome) = run(&host, "bash", &[("main.sh", code)]).await;
        assert_eq!(verdict, Verdict::Failed(Fault::RuntimeError), "{outcome:#?}");
        let expected = format!(
            "The program ended with exit code {exit_code}: the lines of the script end with CRLF, and Bash takes the CR \
             for a part of each command; save it with LF alone."
        );
        assert_eq!(outcome.facts.message, Some(expected), "{code:?}");
    }
    // The shell does not complain of the CR in the third one.
    for (code, exit_code) in [
        ("nothing_like_this\n", 127),
        ("exit 4\n", 4),
        ("cat > /dev/null <<'END'\na\r\nb\r\nEND\necho no >&2\nexit 4\n", 4),
    ] {
        let (_, outcome) = run(&host, "bash", &[("main.sh", code)]).await;
        assert_eq!(outcome.facts.message, Some(format!("The program ended with exit code {exit_code}.")), "{code:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_bash_is_explained() {
    let host = Host::of("bash").await;
    let (_, outcome) = run(&host, "bash", &[("main.sh", "kill -SEGV $$\n")]).await;
    let expected = "The program was ended by the signal SIGSEGV: most often a function that calls itself without end.";
    assert_eq!(outcome.facts.message.as_deref(), Some(expected));
}
