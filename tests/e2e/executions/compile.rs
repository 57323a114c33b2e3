//! The compile stage of a run.

use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;

async fn run(app: &TestApp, body: &Value) -> Value {
    app.client.post("/executions?wait_ms=60000", body).await.expect(200)
}

#[tokio::test]
async fn a_program_is_compiled_and_run() {
    let app = TestApp::with_languages("c").await;
    let files = json!([
        {"name": "main.c", "content": "#include <stdio.h>\n#include \"lib/double.h\"\n\
            int main(void) { int n; scanf(\"%d\", &n); printf(\"%d\\n\", twice(n)); return 0; }\n"},
        {"name": "lib/double.h", "content": "int twice(int n);\n"},
        {"name": "lib/double.c", "content": "#include \"double.h\"\nint twice(int n) { return 2 * n; }\n"},
    ]);
    let ended = run(&app, &json!({"language": "c", "files": files, "stdin": "21\n"})).await;
    assert_eq!((&ended["status"], &ended["stdout"]), (&json!("COMPLETED"), &json!("42\n")), "{ended:#}");
    assert!(ended["compile_time_ms"].is_u64() && ended["compile_output"].is_string(), "{ended:#}");
}

#[tokio::test]
async fn code_that_does_not_compile_has_the_line_of_the_user() {
    let app = TestApp::with_languages("c").await;
    let code = "#include <stdio.h>\n\nint main(void) {\n    return answer;\n}\n";
    let ended = run(&app, &json!({"language": "c", "code": code})).await;
    assert_eq!((&ended["status"], &ended["reason"]), (&json!("FAILED"), &json!("compile_error")), "{ended:#}");
    let output = ended["compile_output"].as_str().unwrap();
    assert!(output.contains("main.c:4:12: error: ") && output.contains("answer"), "{ended:#}");
    for member in ["exit_code", "execution_time_ms", "tests", "tests_total"] {
        assert_eq!(ended[member], Value::Null, "{ended:#}");
    }
    assert!(ended["compile_time_ms"].is_u64() && ended["message"].is_string(), "{ended:#}");
}

#[tokio::test]
async fn a_compiler_does_not_see_the_environment_of_the_run() {
    let app = TestApp::with_languages("c").await;
    let code = "#include <stdio.h>\n#include <stdlib.h>\nint main(void) { puts(getenv(\"SECRET\")); return 0; }\n";
    // The compiler would read its options, look for its parts and write its dependencies where these say.
    let env = json!({"SECRET": "s", "GCC_EXEC_PREFIX": "/nowhere/", "COMPILER_PATH": "/nowhere", "PATH": "/nowhere"});
    let ended = run(&app, &json!({"language": "c", "code": code, "env": env})).await;
    assert_eq!((&ended["status"], &ended["stdout"]), (&json!("COMPLETED"), &json!("s\n")), "{ended:#}");
}

#[tokio::test]
async fn test_cases_share_one_compilation() {
    let app = TestApp::with_languages("c").await;
    let code =
        "#include <stdio.h>\nint main(void) { int n; scanf(\"%d\", &n); printf(\"%d\", 2 * n); return n == 3; }\n";
    let cases =
        [("1", "2"), ("2", "4"), ("3", "6")].map(|(stdin, stdout)| json!({"stdin": stdin, "expected_stdout": stdout}));
    let ended = run(&app, &json!({"language": "c", "code": code, "tests": cases})).await;
    assert_eq!((&ended["tests_passed"], &ended["tests_total"]), (&json!(2), &json!(3)), "{ended:#}");
    assert_eq!((&ended["tests"][2]["verdict"], &ended["tests"][2]["exit_code"]), (&json!("error"), &json!(1)));
    assert!(ended["compile_time_ms"].is_u64(), "{ended:#}");

    let broken = run(&app, &json!({"language": "c", "code": "int main(", "tests": cases})).await;
    assert_eq!((&broken["reason"], &broken["tests"]), (&json!("compile_error"), &Value::Null), "{broken:#}");
    assert_eq!((&broken["tests_passed"], &broken["tests_total"]), (&json!(0), &json!(3)), "{broken:#}");
}

#[tokio::test]
async fn the_compile_stage_has_limits_of_its_own() {
    let app = TestApp::with_languages("c").await;
    let code = "#define A(x) x x x x x x x x\n#define B(x) A(A(A(A(x))))\nint main(void) { B(B(B(;))) return 0; }\n";
    let body = json!({"language": "c", "code": code, "limits": {"compile_time_ms": 1_000}});
    let ended = run(&app, &body).await;
    assert_ne!(ended["status"], "COMPLETED", "{}", ended["message"]);
    assert_eq!(ended["execution_time_ms"], Value::Null, "{}", ended["message"]);
    assert!(ended["message"].is_string(), "{}", ended["reason"]);
}
