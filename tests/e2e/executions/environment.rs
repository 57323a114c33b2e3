//! `env` of a run.

use runbay_testkit::TestApp;
use serde_json::json;

#[tokio::test]
async fn variables_reach_the_program_as_they_were_sent() {
    let app = TestApp::with_languages("python,javascript").await;
    let env = json!({"env": {"A_1": "x=y\n'\"$HOME", "_": "ž", "EMPTY": ""}});
    let code = "import os; print([os.environ.get(name) for name in ('A_1', '_', 'EMPTY', 'B')])";
    let python = app.client.run_with("python", code, &env).await;
    assert_eq!(python["stdout"], "['x=y\\n\\'\"$HOME', 'ž', '', None]\n", "{python:#}");
    let code = "console.log(JSON.stringify(['A_1', '_', 'EMPTY', 'B'].map(name => process.env[name])))";
    let javascript = app.client.run_with("javascript", code, &env).await;
    assert_eq!(javascript["stdout"], "[\"x=y\\n'\\\"$HOME\",\"ž\",\"\",null]\n", "{javascript:#}");
}

#[tokio::test]
async fn an_environment_belongs_to_its_run() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "import os; print(os.environ.get('SECRET'))").await;
    for (body, stdout) in [(json!({"env": {"SECRET": "s"}}), "s\n"), (json!({}), "None\n")] {
        let execution = app.client.run(&session, &body).await;
        assert_eq!(app.client.wait(&execution).await["stdout"], stdout);
    }
}
