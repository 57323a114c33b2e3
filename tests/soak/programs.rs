//! What is run, and what must come of it.

use serde_json::Value;
use serde_json::json;

/// One run with the only right result.
pub(crate) struct Program {
    pub(crate) language: &'static str,
    pub(crate) code: String,
    pub(crate) stdin: String,
    /// Those of the language, if there are none here.
    pub(crate) limits: Option<Value>,
    /// What an execution has to have; one of several, where more than one limit may be the first to be reached.
    pub(crate) expected: Vec<Value>,
}

/// So many programs of a thousand never end by themselves.
const TIMEOUTS: u64 = 3;

impl Program {
    /// Makes the program of a run: the same one each time, and unlike those of all other runs.
    pub(crate) fn of(number: usize) -> Self {
        let random = mix(number as u64);
        let word = format!("{number}-{random:016x}");
        if random % 1000 < TIMEOUTS {
            return Self::timeout(&word);
        }
        match random / 1000 % 8 {
            0 => Self::python(format!("print('hello {word}')"), 0, format!("hello {word}\n"), String::new()),
            1 => {
                let text = format!("žluťoučký kůň 漢字 🦀 {word}");
                Self::python(format!("print('{text}')"), 0, format!("{text}\n"), String::new())
            }
            2 => {
                let exit = random / 8000 % 255 + 1;
                Self::python(
                    format!("print('{word}'); raise SystemExit({exit})"),
                    exit,
                    format!("{word}\n"),
                    String::new(),
                )
            }
            3 => {
                let code = format!("import sys; print('out {word}'); print('err {word}', file=sys.stderr)");
                Self::python(code, 0, format!("out {word}\n"), format!("err {word}\n"))
            }
            4 => {
                let seconds = (random / 8000 % 20) as f64 / 100.0;
                let code = format!("import time; time.sleep({seconds}); print('slept {word}')");
                Self::python(code, 0, format!("slept {word}\n"), String::new())
            }
            5 => {
                let lines = random / 8000 % 3000 + 1;
                let output: String = (0..lines).map(|line| format!("{line} {word}\n")).collect();
                Self::python(format!("for line in range({lines}): print(line, '{word}')"), 0, output, String::new())
            }
            6 => {
                let echo = Self::python("print(input())".to_owned(), 0, format!("ž {word}\n"), String::new());
                Self { stdin: format!("ž {word}\nrest"), ..echo }
            }
            _ => {
                let script = Self::python(format!("console.log('{word} é')"), 0, format!("{word} é\n"), String::new());
                Self { language: "javascript", ..script }
            }
        }
    }

    fn python(code: String, exit: u64, stdout: String, stderr: String) -> Self {
        let (status, reason) = if exit == 0 { ("COMPLETED", None) } else { ("FAILED", Some("runtime_error")) };
        let expected = json!({
            "status": status, "reason": reason, "exit_code": exit, "stdout": stdout, "stderr": stderr,
            "stdout_truncated": false, "stderr_truncated": false, "attempt": 1,
        });
        Self { language: "python", code, stdin: String::new(), limits: None, expected: vec![expected] }
    }

    fn timeout(word: &str) -> Self {
        let code = format!("import time\nprint('began {word}', flush=True)\ntime.sleep(60)");
        let expected = json!({
            "status": "TIMEOUT", "reason": "wall_time_limit", "exit_code": null, "stdout": format!("began {word}\n"),
            "stderr": "", "attempt": 1,
        });
        Self { language: "python", code, stdin: String::new(), limits: None, expected: vec![expected] }
    }

    /// Says in which way an execution is not what it must be.
    pub(crate) fn complaint(&self, execution: &Value) -> Option<String> {
        let mut complaints = self.expected.iter().map(|expected| {
            let expected = expected.as_object().expect("an object");
            let wrong = expected.iter().find(|(member, value)| execution[member] != **value);
            wrong.map(|(member, value)| {
                format!("{member} is not {value:.200} in {:.1000} of {:.200}", execution.to_string(), self.code)
            })
        });
        let first = complaints.next().flatten()?;
        complaints.all(|complaint| complaint.is_some()).then_some(first)
    }
}

/// The finalizer of SplitMix64, which scatters neighbouring numbers.
pub(crate) fn mix(number: u64) -> u64 {
    let mut value = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
