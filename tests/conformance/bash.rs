//! Bash: deep recursion, an environment of its own, and scripts of other systems.

use runbay_model::Fault;
use runbay_model::Verdict;

use crate::host::Host;
use crate::shapes::assert_prints;
use crate::shapes::run;

#[tokio::test(flavor = "multi_thread")]
async fn functions_may_call_themselves_as_deep_as_bash_can() {
    let host = Host::of("bash").await;
    let count = "count() {\n    if [ \"$1\" -eq 0 ]; then\n        echo bottom\n    else\n        count $(($1 - 1))\n    fi\n}\n";
    assert_prints(&host, "bash", &[("main.sh", &format!("{count}count 2500\n"))], "bottom\n").await;
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
    let (_, outcome) = run(&host, "bash", &[("main.sh", "nothing_like_this\n")]).await;
    assert_eq!(outcome.facts.message.as_deref(), Some("The program ended with exit code 127."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_bash_is_explained() {
    let host = Host::of("bash").await;
    let (_, outcome) = run(&host, "bash", &[("main.sh", "kill -SEGV $$\n")]).await;
    let expected = "The program was ended by the signal SIGSEGV: most often a function that calls itself without end.";
    assert_eq!(outcome.facts.message.as_deref(), Some(expected));
}
