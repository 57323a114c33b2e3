use std::collections::BTreeMap;

use runbay_model::Comparison;
use runbay_model::Environment;
use runbay_model::ExpectedOutput;
use runbay_model::LimitOverrides;
use runbay_model::Priority;
use runbay_model::SourceCode;
use runbay_model::TestCase;
use runbay_model::TestPlan;
use runbay_model::Work;

use super::*;

fn request(source_code: &str, args: &[&str]) -> RunRequest {
    RunRequest {
        code: Some(CodeChange::SourceCode(SourceCode::new(source_code).unwrap())),
        work: Work { args: args.iter().map(ToString::to_string).collect(), ..Work::default() },
        ..RunRequest::default()
    }
}

fn working(work: Work) -> RunRequest {
    RunRequest { work, ..RunRequest::default() }
}

fn of_files(files: &[(&str, &str)]) -> Sources {
    let files = files.iter().map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec()));
    Sources::of_files(files.collect()).unwrap()
}

fn with_files(files: &[(&str, &str)]) -> RunRequest {
    RunRequest { code: Some(CodeChange::Files(of_files(files))), ..RunRequest::default() }
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables: BTreeMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Environment::new(variables).unwrap()
}

fn case(stdin: &str, expected: &str, comparison: Comparison) -> TestCase {
    TestCase {
        name: None,
        stdin: stdin.as_bytes().to_vec(),
        args: Vec::new(),
        expected: ExpectedOutput::new(expected.to_owned(), comparison).unwrap(),
    }
}

fn tests(cases: Vec<TestCase>, stop_on_failure: bool) -> RunRequest {
    working(Work { tests: Some(TestPlan { cases, stop_on_failure }), ..Work::default() })
}

fn with_key(key: &str, request: &RunRequest) -> RunRequest {
    RunRequest { idempotency_key: Some(key.parse().unwrap()), ..request.clone() }
}

fn keyed(key: &str, tenant: &str, session: SessionId, request: &RunRequest) -> KeyedRequest {
    let at = Timestamp::from_micros(5);
    keyed_run(&TenantId::new(tenant), session, &with_key(key, request), at).expect("it has a key")
}

fn hex(digest: [u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_key_is_unique_within_tenant_and_session() {
    let session = SessionId::random();
    let run = request("a", &[]);
    let first = keyed("k", "t", session, &run);
    assert_eq!(first, keyed("k", "t", session, &run));
    assert_eq!(first.expires_at, Timestamp::from_micros(86_400_000_005));
    for other in
        [keyed("K", "t", session, &run), keyed("k", "u", session, &run), keyed("k", "t", SessionId::random(), &run)]
    {
        assert_ne!(first.scoped_key, other.scoped_key);
        assert_eq!(first.request_hash, other.request_hash);
    }
    assert_eq!(keyed_run(&TenantId::new("t"), session, &run, Timestamp::from_micros(5)), None);
}

#[test]
fn keys_of_one_shot_executions_are_a_tenants_own() {
    let keyed = |key: &str, tenant: &str| {
        let request = RunRequest { idempotency_key: Some(key.parse().unwrap()), ..RunRequest::default() };
        keyed_one_shot(&TenantId::new(tenant), &request, Timestamp::from_micros(5)).expect("it has a key")
    };
    assert_eq!(keyed("k", "t"), keyed("k", "t"));
    assert_ne!(keyed("k", "t").scoped_key, keyed("K", "t").scoped_key);
    assert_ne!(keyed("k", "t").scoped_key, keyed("k", "u").scoped_key);
}

#[test]
fn keys_of_sessions_are_a_tenants_own() {
    let at = Timestamp::from_micros(5);
    let of = |key: &str, tenant: &str, new: &NewSession| {
        keyed_session(&TenantId::new(tenant), &key.parse().unwrap(), new, at)
    };
    let new = NewSession::default();
    let first = of("k", "t", &new);
    assert_eq!(first, of("k", "t", &new));
    assert_ne!(first.scoped_key, of("K", "t", &new).scoped_key);
    assert_ne!(first.scoped_key, of("k", "u", &new).scoped_key);
    let one_shot = keyed_one_shot(&TenantId::new("t"), &with_key("k", &RunRequest::default()), at).unwrap();
    assert_ne!(first.scoped_key, one_shot.scoped_key, "the same key on another route is another key");
    for other in [
        NewSession { language: Some("python".to_owned()), ..NewSession::default() },
        NewSession { sources: Some(Sources::default()), ..NewSession::default() },
        NewSession { sources: Some(of_files(&[("a", "")])), ..NewSession::default() },
    ] {
        assert_ne!(first.request_hash, of("k", "t", &other).request_hash, "{other:?}");
    }
}

#[test]
fn requests_that_differ_have_different_digests() {
    let named = |name: &str| TestCase { name: Some(name.to_owned()), ..case("", "a", Comparison::Exact) };
    let with_args = |args: &[&str]| TestCase {
        args: args.iter().map(ToString::to_string).collect(),
        ..case("", "a", Comparison::Exact)
    };
    let requests = [
        RunRequest::default(),
        request("", &[]),
        request("a", &[]),
        request("a", &[""]),
        request("a", &["b"]),
        request("a", &["b", ""]),
        request("a", &["bc"]),
        request("a", &["b", "c"]),
        RunRequest { language: Some("a".to_owned()), ..RunRequest::default() },
        working(Work { stdin: b"a".to_vec(), ..Work::default() }),
        with_files(&[("a", "a")]),
        with_files(&[("b", "a")]),
        with_files(&[("a", "b")]),
        with_files(&[("a", "a"), ("b", "")]),
        with_files(&[("a", "a"), ("b", "c")]),
        with_files(&[("a", "a"), ("c", "b")]),
        working(Work { environment: environment(&[("A", "")]), ..Work::default() }),
        working(Work { environment: environment(&[("A", "B")]), ..Work::default() }),
        working(Work { environment: environment(&[("A", ""), ("B", "")]), ..Work::default() }),
        working(Work { limits: LimitOverrides { inodes: Some(1), ..LimitOverrides::default() }, ..Work::default() }),
        working(Work { limits: LimitOverrides { inodes: Some(2), ..LimitOverrides::default() }, ..Work::default() }),
        working(Work { limits: LimitOverrides { processes: Some(1), ..LimitOverrides::default() }, ..Work::default() }),
        working(Work { priority: Priority::High, ..Work::default() }),
        working(Work { priority: Priority::Low, ..Work::default() }),
        tests(vec![], false),
        tests(vec![], true),
        tests(vec![case("", "a", Comparison::Trimmed)], false),
        tests(vec![case("", "a", Comparison::Exact)], false),
        tests(vec![case("", "a", Comparison::Tokens)], false),
        tests(vec![case("", "a", Comparison::Regex)], false),
        tests(vec![case("b", "a", Comparison::Exact)], false),
        tests(vec![case("", "a", Comparison::Exact), case("", "a", Comparison::Exact)], false),
        tests(vec![named("")], false),
        tests(vec![named("b")], false),
        tests(vec![with_args(&[""])], false),
        tests(vec![with_args(&["", "b"])], false),
        tests(vec![with_args(&["b"]), with_args(&[])], false),
        tests(vec![with_args(&[]), with_args(&["b"])], false),
    ];
    let mut digests: Vec<_> = requests.iter().map(|request| members(request).digest()).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), requests.len());
}

/// Keys outlive releases. If this digest changes, a repeated request is refused with 422.
#[test]
fn digests_stay_what_they_are() {
    let old = RunRequest {
        language: Some("python".to_owned()),
        work: Work { stdin: b"in".to_vec(), args: vec!["-x".to_owned()], ..Work::default() },
        ..request("print(1)", &[])
    };
    assert_eq!(hex(members(&old).digest()), "00b17cd8e9b9cc23b787aa5de55df3698fa0b718236e809dd34fffdd2e974563");
    let session = "6f2b1a5e-2f3d-4c8e-9d7a-0123456789ab".parse().unwrap();
    assert_eq!(
        hex(keyed("k", "t", session, &old).scoped_key),
        "d6bd66a96905177acce5d82511af876356ac89c0e17833487525becb5ca9aa41"
    );

    let full = RunRequest {
        language: Some("python".to_owned()),
        code: Some(CodeChange::Files(of_files(&[("app.py", "import lib"), ("lib.py", "x = 1")]))),
        work: Work {
            environment: environment(&[("A", "1"), ("B", "2")]),
            limits: LimitOverrides { wall_time_ms: Some(1_000), inodes: Some(300), ..LimitOverrides::default() },
            tests: Some(TestPlan {
                cases: vec![TestCase {
                    name: Some("first".to_owned()),
                    args: vec!["-x".to_owned()],
                    ..case("in", "out", Comparison::Tokens)
                }],
                stop_on_failure: true,
            }),
            ..old.work
        },
        idempotency_key: Some("k".parse().unwrap()),
        client: None,
    };
    let keyed = keyed_one_shot(&TenantId::new("t"), &full, Timestamp::from_micros(5)).unwrap();
    assert_eq!(hex(keyed.scoped_key), "d9dde76ac9765d25fd1183fdc32af27a121efd128c1525996658afd94240ddeb");
    assert_eq!(hex(keyed.request_hash), "e7cb43989901e45ae0ddfc95413ef416c128e891ac2e154267017a3d6a9bca5f");
}
