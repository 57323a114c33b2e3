import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { ActiveExecutionError, ApiError, hasEnded, isProblem, NotFoundError, Runbay } from "../dist/index.js";
import { VersionConflictError, WaitTimeoutError } from "../dist/index.js";
import { startBreakingProxy } from "./breaking_proxy.mjs";
import { startServer } from "./real_server.mjs";

const EVENTS = "/executions/{execution_id}/events";
const WEBSOCKET = "/executions/{execution_id}/ws";
const server = await startServer();
const runbay = new Runbay({ baseUrl: server.baseUrl });
after(() => server.stop());

const source = (source_code) => ({ language: "python", source_code });

describe("sessions", () => {
  test("are opened, saved under a version, read and closed", async () => {
    const session = await runbay.createSession(source("print(1)"));
    assert.equal(session.version, 1);
    const saved = await runbay.saveSession(session.session_id, { source_code: "print(2)", version: 1 });
    assert.equal(saved.version, 2);
    await assert.rejects(runbay.saveSession(session.session_id, { source_code: "print(3)", version: 1 }), (error) => {
      assert.ok(error instanceof VersionConflictError);
      assert.equal(error.problem.code, "version_conflict");
      return error.details.length === 1;
    });
    assert.equal((await runbay.saveSession(session.session_id, { source_code: "print(4)" })).version, 3);
    assert.equal((await runbay.readSession(session.session_id)).source_code, "print(4)");
    const page = await runbay.listSessions({ limit: 1 });
    assert.equal(page.sessions[0].session_id, session.session_id);
    assert.equal((await runbay.closeSession(session.session_id)).status, "INACTIVE");
    assert.equal((await runbay.closeSession(session.session_id, { erase: true })).erased, true);
    await assert.rejects(runbay.readSession(session.session_id), NotFoundError);
  });

  test("are opened and run once under a key", async () => {
    const idempotencyKey = "one-session";
    const first = await runbay.createSession(source("print(1)"), { idempotencyKey });
    const second = await runbay.createSession(source("print(1)"), { idempotencyKey });
    assert.equal(first.session_id, second.session_id);
    const runs = await Promise.all([1, 2].map(() => runbay.run(first.session_id, {}, { idempotencyKey: "one-run" })));
    assert.equal(runs[0].execution_id, runs[1].execution_id);
  });

  test("run what was saved, one execution at a time", async () => {
    const { session_id } = await runbay.createSession(source("import time; time.sleep(30)"));
    const { execution_id, session_version } = await runbay.run(session_id, { limits: { wall_time_ms: 30_000 } });
    assert.equal(session_version, 1);
    const refused = await runbay.run(session_id).catch((error) => error);
    assert.ok(refused instanceof ActiveExecutionError);
    assert.equal(refused.executionId, execution_id);
    const late = await runbay.wait(execution_id, { timeoutMs: 50 }).catch((error) => error);
    assert.ok(late instanceof WaitTimeoutError);
    assert.equal(hasEnded(late.execution), false);
    assert.equal((await runbay.cancel(execution_id)).execution_id, execution_id);
    assert.equal((await runbay.wait(execution_id)).status, "CANCELLED");
    await assert.rejects(runbay.cancel(execution_id), { status: 409, code: "execution_ended" });
    const { executions, next_cursor } = await runbay.listExecutions(session_id);
    assert.equal(executions[0].execution_id, execution_id);
    assert.equal(next_cursor, null);
  });

  test("are checked", async () => {
    const { session_id } = await runbay.createSession(source("print(1)"));
    assert.deepEqual((await runbay.check(session_id)).diagnostics, []);
    const { diagnostics } = await runbay.check(session_id, { source_code: "print(\n" });
    assert.equal(diagnostics[0].severity, "error");
  });
});

describe("executions", () => {
  test("take all that a run can have", async () => {
    const code = "import os, sys; print(input(), sys.argv[1:], os.environ['MODE'], open('data.txt').read())";
    const { execution_id } = await runbay.createExecution({
      language: "python",
      files: [
        { name: "main.py", content: code },
        { name: "data.txt", content: "aGk=", encoding: "base64" },
      ],
      stdin: "hello\n",
      args: ["--fast"],
      env: { MODE: "demo" },
      limits: { wall_time_ms: 5_000 },
      priority: "high",
    });
    const execution = await runbay.wait(execution_id, { include: "source" });
    assert.equal(execution.stdout, "hello ['--fast'] demo hi\n");
    assert.equal(execution.files.length, 2);
    const exact = await runbay.readExecution(execution_id, { encoding: "base64" });
    assert.equal(atob(exact.stdout), execution.stdout);
    await runbay.eraseExecution(execution_id);
    await assert.rejects(runbay.readExecution(execution_id), NotFoundError);
  });

  test("judge test cases", async () => {
    const { execution_id } = await runbay.createExecution({
      ...source("print(2 * int(input()))"),
      tests: [
        { name: "small", stdin: "21\n", expected_stdout: "42" },
        { stdin: "1\n", expected_stdout: "3" },
      ],
      stop_on_failure: true,
    });
    const { tests, tests_passed, tests_total } = await runbay.wait(execution_id);
    assert.deepEqual(tests.map(({ verdict }) => verdict), ["passed", "failed"]);
    assert.deepEqual([tests_passed, tests_total], [1, 2]);
  });

  test("come in batches", async () => {
    const [good, bad] = await runbay.createExecutions([source("print(1)"), { language: "cobol", source_code: "x" }]);
    assert.equal(isProblem(good), false);
    assert.equal(isProblem(bad) && bad.code, "unknown_language");
    await runbay.wait(good.execution_id);
    const missing = "01a2256b-cda3-7d65-bf88-49eae72a33a6";
    const [read, gone] = await runbay.readExecutions([good.execution_id, missing]);
    assert.equal(read.stdout, "1\n");
    assert.equal(isProblem(gone) && gone.code, "execution_not_found");
  });

  test("are refused with the fields that are wrong", async () => {
    const error = await runbay.createExecution({ souce_code: "x" }).catch((error) => error);
    assert.ok(error instanceof ApiError);
    assert.equal(error.errors[0].field, "souce_code");
    assert.ok(error.requestId);
  });

  test("have languages", async () => {
    const { languages, limit_ranges } = await runbay.languages();
    assert.equal(languages[0].id, "python");
    assert.ok(limit_ranges.wall_time_ms.most > languages[0].limits.wall_time_ms);
  });
});

describe("streams", { skip: server.lacks(EVENTS) }, () => {
  const told = async (events) => {
    let stdout = "";
    let last;
    for await (const event of events) {
      if (event.type === "reset") stdout = "";
      if (event.type === "stdout") stdout += event.data;
      if (last) assert.ok(event.id > last.id);
      last = event;
    }
    return { stdout, last };
  };

  test("tell output while the program runs, and once more after its end", async () => {
    const code = "import time\nfor i in range(3):\n    print(i, flush=True)\n    time.sleep(0.2)";
    const { execution_id } = await runbay.createExecution(source(code));
    const kinds = [];
    for await (const event of runbay.stream(execution_id)) {
      kinds.push(event.type);
      if (event.type === "stdout" && event.data.startsWith("0")) {
        assert.equal(hasEnded(await runbay.readExecution(execution_id)), false);
      }
    }
    assert.equal(kinds.at(-1), "result");
    const { stdout, last } = await told(runbay.stream(execution_id));
    assert.equal(stdout, "0\n1\n2\n");
    assert.equal(last.execution.stdout, stdout);
    assert.equal(last.execution.status, "COMPLETED");
  });

  test("go on after any event", async () => {
    const { execution_id } = await runbay.createExecution(source("print('a')\nprint('b')"));
    const whole = [];
    for await (const event of runbay.stream(execution_id)) whole.push(event);
    for (const { id } of whole.slice(0, -1)) {
      const { last } = await told(runbay.stream(execution_id, { lastEventId: id }));
      assert.equal(last.type, "result");
    }
  });

  test("lose nothing on a way that breaks all the time", async () => {
    const proxy = await startBreakingProxy(server.baseUrl, 250);
    try {
      const code = "import time\nfor i in range(30):\n    print('ä', i, flush=True)\n    time.sleep(0.02)";
      const { execution_id } = await runbay.createExecution(source(code));
      const { stdout, last } = await told(new Runbay({ baseUrl: proxy.baseUrl }).stream(execution_id));
      assert.equal(stdout, Array.from({ length: 30 }, (_, i) => `ä ${i}\n`).join(""));
      assert.equal(last.execution.stdout, stdout);
      assert.ok(proxy.connections() > 3);
    } finally {
      proxy.stop();
    }
  });

  test("tell the verdicts of test cases", async () => {
    const tests = [{ name: "one", stdin: "1\n", expected_stdout: "1" }];
    const { execution_id } = await runbay.createExecution({ ...source("print(input())"), tests });
    const verdicts = [];
    for await (const event of runbay.stream(execution_id)) if (event.type === "test") verdicts.push(event);
    assert.deepEqual(verdicts.map(({ name, verdict }) => [name, verdict]), [["one", "passed"]]);
  });

  test("have exact bytes", async () => {
    const { execution_id } = await runbay.createExecution(source("import os; os.write(1, bytes([255, 0]))"));
    let bytes = "";
    for await (const event of runbay.stream(execution_id, { encoding: "base64" })) {
      if (event.type === "stdout") bytes += atob(event.data);
    }
    assert.equal(bytes, "\xff\0");
  });

  test("of nothing are an error", async () => {
    await assert.rejects(runbay.stream("01a2256b-cda3-7d65-bf88-49eae72a33a6").next(), NotFoundError);
  });
});

describe("interactions", { skip: server.lacks(WEBSOCKET) || (!globalThis.WebSocket && "no WebSocket in this node") }, () => {
  test("ask and answer", async () => {
    const code = "print('Name?', flush=True)\nprint('Hello,', input())\nprint(open(0).read())";
    const { execution_id } = await runbay.createExecution({ ...source(code), interactive: true });
    const interaction = runbay.interact(execution_id);
    let stdout = "";
    let result;
    for await (const event of interaction) {
      if (event.type === "result") result = event.execution;
      if (event.type !== "stdout") continue;
      stdout += event.data;
      if (stdout === "Name?\n") interaction.input("Ada\n");
      if (stdout.endsWith("Ada\n")) {
        interaction.input(new TextEncoder().encode("the rest"));
        interaction.eof();
      }
    }
    assert.equal(stdout, "Name?\nHello, Ada\nthe rest\n");
    assert.equal(result.status, "COMPLETED");
  });

  test("send signals", async () => {
    const code = "import time\nprint('ready', flush=True)\ntry:\n    time.sleep(30)\nexcept KeyboardInterrupt:\n    print('stopped')";
    const { execution_id } = await runbay.createExecution({ ...source(code), interactive: true });
    const interaction = runbay.interact(execution_id);
    for await (const event of interaction) {
      if (event.type === "stdout" && event.data.startsWith("ready")) interaction.signal("SIGINT");
      if (event.type === "result") assert.match(event.execution.stdout, /stopped/);
    }
  });

  test("tell the size of the terminal", async () => {
    const code = "import os\nprint('ready', flush=True)\ninput()\nprint(os.get_terminal_size())";
    const { execution_id } = await runbay.createExecution({ ...source(code), interactive: true, tty: true });
    const interaction = runbay.interact(execution_id);
    for await (const event of interaction) {
      if (event.type === "stdout" && event.data.includes("ready")) {
        interaction.resize(90, 33);
        interaction.input("\n");
      }
      if (event.type === "result") assert.match(event.execution.stdout, /columns=90, lines=33/);
    }
  });

  test("lose no output on a way that breaks all the time", async () => {
    const proxy = await startBreakingProxy(server.baseUrl, 250);
    try {
      const code = "import time\nfor i in range(30):\n    print('ä', i, flush=True)\n    time.sleep(0.02)\ninput()";
      const { execution_id } = await runbay.createExecution({ ...source(code), interactive: true });
      const interaction = new Runbay({ baseUrl: proxy.baseUrl }).interact(execution_id);
      let stdout = "";
      for await (const event of interaction) {
        if (event.type === "reset") stdout = "";
        if (event.type === "stdout") stdout += event.data;
        // Told again after a break, unlike a line of input.
        if (stdout.endsWith("29\n")) interaction.eof();
      }
      assert.equal(stdout, Array.from({ length: 30 }, (_, i) => `ä ${i}\n`).join(""));
      assert.ok(proxy.connections() > 3);
    } finally {
      proxy.stop();
    }
  });

  test("of nothing are an error", async () => {
    const interaction = runbay.interact("01a2256b-cda3-7d65-bf88-49eae72a33a6");
    await assert.rejects(interaction[Symbol.asyncIterator]().next(), NotFoundError);
  });
});
