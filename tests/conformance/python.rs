//! What Python programs may do with memory, threads and the stack.

use runbay_model::Fault;
use runbay_model::LimitOverrides;
use runbay_model::Outcome;
use runbay_model::Verdict;

use crate::host::Host;
use crate::host::Input;

const MIB: u64 = 1024 * 1024;

async fn run(host: &Host, code: &str, limits: LimitOverrides) -> (Verdict, Outcome) {
    let files = vec![("main.py".to_owned(), code.as_bytes().to_vec())];
    host.run("python", Input { files, limits, ..Input::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_is_only_set_aside_does_not_count() {
    let host = Host::of("python").await;
    for (code, expected) in [
        // What people write who want to recurse deeply.
        (
            "import sys, threading\nthreading.stack_size(512 * 1024 * 1024)\nsys.setrecursionlimit(1 << 20)\n\
             def depth(n): return 0 if n == 0 else 1 + depth(n - 1)\n\
             thread = threading.Thread(target=lambda: print(depth(50_000)))\nthread.start()\nthread.join()\n",
            "50000\n",
        ),
        (
            "import mmap\narea = mmap.mmap(-1, 512 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n\
             area[1000] = 7\nprint(area[1000])\n",
            "7\n",
        ),
        ("x = bytes(1 << 30)\nprint(x[5], len(x))\n", "0 1073741824\n"),
        // As many threads as fit, each with the stack that the system gives it.
        (
            "import threading\ngate = threading.Barrier(61)\n\
             threads = [threading.Thread(target=gate.wait) for _ in range(60)]\n\
             for thread in threads: thread.start()\n\
             gate.wait()\nfor thread in threads: thread.join()\nprint('all at one time')\n",
            "all at one time\n",
        ),
    ] {
        assert_eq!(host.printed("python", code).await, expected, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thing_far_too_large_is_an_error_that_can_be_read() {
    let host = Host::of("python").await;
    for thing in ["[0] * 10**10", "bytearray(10**10)", "'a' * 10**10", "list(range(10**12))", "b'x' * (1 << 62)"] {
        let (verdict, outcome) =
            run(&host, &format!("print('before')\nx = {thing}\n"), LimitOverrides::default()).await;
        assert_eq!(verdict, Verdict::Failed(Fault::MemoryLimit), "{thing}: {outcome:#?}");
        assert_eq!(outcome.output.stdout, b"before\n", "{thing}");
        let stderr = String::from_utf8_lossy(&outcome.output.stderr);
        assert!(stderr.contains("line 2, in <module>") && stderr.ends_with("MemoryError\n"), "{thing}: {stderr}");
        assert_eq!(outcome.facts.message.as_deref(), Some("The program ran out of memory; it may use 128 MiB."));
    }
    let caught = "try: [0] * 10**10\nexcept MemoryError: print('caught')\n";
    assert_eq!(host.printed("python", caught).await, "caught\n");
    // Also where the limit is as high as it gets.
    let most = LimitOverrides { memory_bytes: Some(1024 * MIB), ..LimitOverrides::default() };
    assert_eq!(run(&host, caught, most).await.0, Verdict::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_is_used_counts() {
    let host = Host::of("python").await;
    for code in [
        "x = []\nwhile True: x.append('y' * 1000)\n",
        "x = []\nwhile True: x.append(len(x))\n",
        "x = b'x' * (200 << 20)\n",
        "import mmap\nx = mmap.mmap(-1, 1 << 28, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n\
         for at in range(0, 1 << 28, 4096): x[at] = 1\n",
        "import threading\nx = []\ndef grow():\n    while True: x.append('y' * 1000)\n\
         for _ in range(4): threading.Thread(target=grow).start()\n",
    ] {
        let (verdict, outcome) = run(&host, code, LimitOverrides::default()).await;
        assert_eq!(verdict, Verdict::Failed(Fault::MemoryLimit), "{code}: {outcome:#?}");
        let message = outcome.facts.message.as_deref();
        assert_eq!(message, Some("The program used more than 128 MiB of memory and was stopped."), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recursion_in_a_thread_ends_as_in_the_first_one() {
    let host = Host::of("python").await;
    // Each of these takes much of the C stack for each level.
    let threads = "import json, re, threading\n\
        class Card:\n\
        \x20   def __lt__(self, other): return sorted([Card(), Card()]) and True\n\
        \x20   def __repr__(self): return repr([self])\n\
        \x20   def __eq__(self, other): return [Card()] == [Card()]\n\
        def plain(): plain()\n\
        nested = []\n\
        for _ in range(100_000): nested = [nested]\n\
        def compare(what):\n\
        \x20   try: what()\n\
        \x20   except RecursionError: print('too deep')\n\
        def start(what):\n\
        \x20   thread = threading.Thread(target=compare, args=(what,))\n\
        \x20   thread.start()\n\
        \x20   thread.join()\n\
        start(lambda: Card() < Card())\n\
        start(lambda: Card() == Card())\n\
        start(lambda: repr(Card()))\n\
        start(lambda: json.dumps(nested))\n\
        start(plain)\n\
        print('end')\n";
    assert_eq!(host.printed("python", threads).await, "too deep\ntoo deep\ntoo deep\ntoo deep\ntoo deep\nend\n");
    let deep = "import sys, threading\nsys.setrecursionlimit(20_000)\n\
        def depth(n): return 0 if n == 0 else 1 + next(map(depth, [n - 1]))\n\
        thread = threading.Thread(target=lambda: print(depth(8_000)))\nthread.start()\nthread.join()\n";
    assert_eq!(host.printed("python", deep).await, "8000\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_may_raise_its_own_stack() {
    let host = Host::of("python").await;
    let raise = "import resource, sys\n\
        print(resource.getrlimit(resource.RLIMIT_STACK)[0])\n\
        resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n\
        sys.setrecursionlimit(100_000)\nprint('started')\n";
    assert_eq!(host.printed("python", raise).await, "8388608\nstarted\n");
    // Eight times as deep as 8 MiB are for.
    let deep = "import sys\nsys.setrecursionlimit(1 << 20)\n\
        class Deep:\n    def __init__(self, below): self.below = below\n\
        \x20   def __repr__(self): return repr(self.below)\n\
        deep = 1\nfor _ in range(80_000): deep = Deep(deep)\nprint(repr(deep))\n";
    let (verdict, outcome) = run(&host, deep, LimitOverrides::default()).await;
    assert_eq!(outcome.facts.signal.as_deref(), Some("SIGSEGV"), "{verdict:?} {outcome:#?}");
    let stack = LimitOverrides { stack_bytes: Some(100 * MIB), ..LimitOverrides::default() };
    let (verdict, outcome) = run(&host, deep, stack).await;
    assert_eq!((verdict, &*outcome.output.stdout), (Verdict::Completed, &b"1\n"[..]), "{outcome:#?}");
}
