//! Limits and environments that no program can have.

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use super::watched::Watched;
use super::watched::assert_refused;

#[tokio::test]
async fn a_limit_is_an_integer_in_its_range() {
    let mut watched = Watched::start().await;
    let run = format!("{}/run", watched.session);
    let languages = watched.app.client.get("/languages").await.expect(200);
    for (name, range) in languages["limit_ranges"].as_object().unwrap() {
        let (least, most) = (range["least"].as_u64().unwrap(), range["most"].as_u64().unwrap());
        let detail = format!("limits.{name}: must be an integer from {least} to {most}");
        for wrong in [
            "0",
            "-0",
            "-1",
            "-9223372036854775809",
            "5.5",
            "1e308",
            "-1e308",
            "1e3",
            "18446744073709551615",
            "18446744073709551616",
            "null",
            "true",
            "\"5\"",
            "\"\"",
            "\"unlimited\"",
            "[]",
            "[1]",
            "{}",
            &(least - 1).to_string(),
            &(most + 1).to_string(),
            &format!("{least}.0"),
        ] {
            let body = format!(r#"{{"limits":{{"{name}":{wrong}}}}}"#);
            for path in [&run, "/executions"] {
                let answer = watched.send(Method::POST, path, body.clone()).await;
                assert_refused(&answer, 400, "invalid_body", Some(&detail));
            }
        }
        for wrong in ["NaN", "Infinity", "-Infinity", "1e999", "0x10", "05", "+5", "5_000"] {
            let body = format!(r#"{{"limits":{{"{name}":{wrong}}}}}"#);
            let answer = watched.send(Method::POST, &run, body).await;
            answer.expect_problem(400, "invalid_json");
        }
    }
    watched.assert_untouched().await;
}

#[tokio::test]
async fn all_wrong_limits_are_named_at_once() {
    let mut watched = Watched::start().await;
    let body = r#"{"limits":{"wall_time_ms":0,"memory_bytes":67108864,"speed":9,"inodes":"5","wall_time_ms":500}}"#;
    let answer = watched.send(Method::POST, "/executions", body).await.expect_problem(400, "invalid_body");
    let details: Vec<_> = answer["details"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(details.len(), 4, "{details:#?}");
    assert_eq!(details[0], "limits.wall_time_ms: must be an integer from 100 to 30000");
    assert!(details[1].starts_with("limits.speed: is no limit; there are wall_time_ms, cpu_time_ms, "), "{details:#?}");
    assert_eq!(details[2], "limits.inodes: must be an integer from 256 to 16384");
    assert_eq!(details[3], "limits.wall_time_ms: must be there once");

    for (limits, detail) in [
        (json!(5), "limits: must be an object of limits, not 5"),
        (json!([]), "limits: must be an object of limits, not a list"),
        (json!("none"), "limits: must be an object of limits, not a string"),
        (json!({"WALL_TIME_MS": 500}), "limits.WALL_TIME_MS: is no limit; did you mean wall_time_ms?"),
        (json!({"wall_time": 500}), "limits.wall_time: is no limit; did you mean wall_time_ms?"),
        (json!({"memory": 500}), "limits.memory: is no limit; did you mean memory_bytes?"),
        (json!({"": 1}), "limits.: is no limit; there are"),
        (json!({"n".repeat(1_000_000): 1}), "limits.nnnnn"),
    ] {
        let answer = watched.send(Method::POST, "/executions", json!({"limits": limits}).to_string()).await;
        assert_refused(&answer, 400, "invalid_body", Some(detail));
    }
    let many: serde_json::Map<_, _> = (0..100_000).map(|number| (format!("l{number}"), json!(1))).collect();
    let answer = watched.send(Method::POST, "/executions", json!({"limits": many}).to_string()).await;
    assert_refused(&answer, 400, "invalid_body", Some("limits: has more than 32 entries"));
    watched.assert_untouched().await;
}

#[tokio::test]
async fn an_environment_is_one_that_a_program_can_have() {
    let mut watched = Watched::start().await;
    let run = format!("{}/run", watched.session);
    let many = |count| (0..count).map(|number| (format!("V{number}"), json!(""))).collect::<serde_json::Map<_, _>>();
    for (env, status, code, detail) in [
        (json!({"1A": ""}), 400, "invalid_body", r#"env: "1A" must have letters, digits and underscores only"#),
        (json!({"A=B": ""}), 400, "invalid_body", r#"env: "A=B" must have"#),
        (json!({"A\nB": ""}), 400, "invalid_body", r#"env: "A\nB" must have"#),
        (json!({"": ""}), 400, "invalid_body", r#"env: "" must have"#),
        (json!({"Ä": ""}), 400, "invalid_body", r#"env: "Ä" must have"#),
        (json!({"A": "a\u{0}"}), 400, "invalid_body", r#"env: "A" must not have the character U+0000"#),
        (json!({"A": 5}), 400, "invalid_body", "env.A: must be a string, not 5"),
        (json!({"A": null}), 400, "invalid_body", "env.A: must be a string, not null"),
        (json!([["A", "B"]]), 400, "invalid_body", "env: must be an object whose members are strings"),
        (json!("A=B"), 400, "invalid_body", "env: must be an object whose members are strings"),
        (json!(many(65)), 413, "environment_too_large", "env: has 65 entries, at most 64 are allowed"),
        (json!(many(50_000)), 413, "environment_too_large", "env: has 50000 entries, at most 64 are allowed"),
        (json!({"A": "v".repeat(16_384)}), 413, "environment_too_large", "env: has 16385 bytes, at most 16384"),
        (json!({"A".repeat(16_385): ""}), 413, "environment_too_large", "env: has 16385 bytes"),
    ] {
        for path in [&run, "/executions"] {
            let answer = watched.send(Method::POST, path, json!({"env": env}).to_string()).await;
            assert_refused(&answer, status, code, Some(detail));
        }
    }
    let answer = watched.send(Method::POST, &run, r#"{"env":{"A":"1","A":"2"}}"#).await;
    assert_refused(&answer, 400, "invalid_body", Some(r#"env: must have "A" once"#));
    watched.assert_untouched().await;
}
