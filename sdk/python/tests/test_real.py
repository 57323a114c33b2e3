import base64
import unittest

from runbay import ActiveExecutionError
from runbay import ApiError
from runbay import NotFoundError
from runbay import Runbay
from runbay import VersionConflictError
from runbay import WaitTimeoutError
from runbay import has_ended
from runbay import is_problem
from runbay import output_bytes

from .breaking_proxy import BreakingProxy
from .real_server import shared_server

EVENTS = "/executions/{execution_id}/events"
WEBSOCKET = "/executions/{execution_id}/ws"
SLOW_LINES = "import time\nfor i in range(30):\n    print('ä', i, flush=True)\n    time.sleep(0.02)"
MISSING = "01a2256b-cda3-7d65-bf88-49eae72a33a6"


class Real(unittest.TestCase):
    """Tests that need a `path` of the server."""

    path = None

    @classmethod
    def setUpClass(cls):
        cls.client = Runbay(shared_server().base_url)
        cls.addClassCleanup(cls.client.close)
        why = cls.path and shared_server().lacks(cls.path)
        if why:
            raise unittest.SkipTest(why)

    def run_code(self, source_code, **fields):
        accepted = self.client.create_execution(language="python", source_code=source_code, **fields)
        return accepted["execution_id"]


class Sessions(Real):
    def test_are_opened_saved_under_a_version_read_and_closed(self):
        client = self.client
        session_id = client.create_session(language="python", source_code="print(1)")["session_id"]
        self.assertEqual(client.save_session(session_id, source_code="print(2)", version=1)["version"], 2)
        with self.assertRaises(VersionConflictError) as raised:
            client.save_session(session_id, source_code="print(3)", version=1)
        self.assertEqual(raised.exception.problem["code"], "version_conflict")
        self.assertEqual(len(raised.exception.details), 1)
        self.assertEqual(client.save_session(session_id, source_code="print(4)")["version"], 3)
        self.assertEqual(client.read_session(session_id)["source_code"], "print(4)")
        self.assertEqual(len(client.list_sessions(limit=1)["sessions"]), 1)
        self.assertEqual(client.close_session(session_id)["status"], "INACTIVE")
        self.assertIs(client.close_session(session_id, erase=True)["erased"], True)
        with self.assertRaises(NotFoundError):
            client.read_session(session_id)

    def test_are_opened_and_run_once_under_a_key(self):
        opened = [self.client.create_session(source_code="print(1)", idempotency_key="a")["session_id"] for _ in "ab"]
        self.assertEqual(opened[0], opened[1])
        runs = [self.client.run(opened[0], idempotency_key="b")["execution_id"] for _ in "ab"]
        self.assertEqual(runs[0], runs[1])

    def test_run_what_was_saved_one_execution_at_a_time(self):
        client = self.client
        session_id = client.create_session(source_code="import time; time.sleep(30)")["session_id"]
        accepted = client.run(session_id, limits={"wall_time_ms": 30_000})
        self.assertEqual(accepted["session_version"], 1)
        execution_id = accepted["execution_id"]
        with self.assertRaises(ActiveExecutionError) as refused:
            client.run(session_id)
        self.assertEqual(refused.exception.execution_id, execution_id)
        with self.assertRaises(WaitTimeoutError) as late:
            client.wait(execution_id, timeout_seconds=0.05)
        self.assertFalse(has_ended(late.exception.execution))
        self.assertEqual(client.cancel(execution_id)["execution_id"], execution_id)
        self.assertEqual(client.wait(execution_id)["status"], "CANCELLED")
        with self.assertRaises(ApiError) as ended:
            client.cancel(execution_id)
        self.assertEqual(ended.exception.code, "execution_ended")
        page = client.list_executions(session_id)
        self.assertEqual([execution["execution_id"] for execution in page["executions"]], [execution_id])
        self.assertIsNone(page["next_cursor"])

    def test_are_checked(self):
        session_id = self.client.create_session(source_code="print(1)")["session_id"]
        self.assertEqual(self.client.check(session_id)["diagnostics"], [])
        found = self.client.check(session_id, source_code="print(\n")["diagnostics"]
        self.assertEqual(found[0]["severity"], "error")


class Executions(Real):
    def test_take_all_that_a_run_can_have(self):
        code = "import os, sys; print(input(), sys.argv[1:], os.environ['MODE'], open('data.txt').read())"
        execution_id = self.client.create_execution(
            language="python",
            files=[
                {"name": "main.py", "content": code},
                {"name": "data.txt", "content": "aGk=", "encoding": "base64"},
            ],
            stdin="hello\n",
            args=["--fast"],
            env={"MODE": "demo"},
            limits={"wall_time_ms": 5_000},
            priority="high",
        )["execution_id"]
        execution = self.client.wait(execution_id, include="source")
        self.assertEqual(execution["stdout"], "hello ['--fast'] demo hi\n")
        self.assertEqual(len(execution["files"]), 2)
        exact = self.client.read_execution(execution_id, encoding="base64")
        self.assertEqual(base64.b64decode(exact["stdout"]).decode(), execution["stdout"])
        self.client.erase_execution(execution_id)
        with self.assertRaises(NotFoundError):
            self.client.read_execution(execution_id)

    def test_judge_test_cases(self):
        tests = [
            {"name": "small", "stdin": "21\n", "expected_stdout": "42"},
            {"stdin": "1\n", "expected_stdout": "3"},
        ]
        execution_id = self.run_code("print(2 * int(input()))", tests=tests, stop_on_failure=True)
        judged = self.client.wait(execution_id)
        self.assertEqual([test["verdict"] for test in judged["tests"]], ["passed", "failed"])
        self.assertEqual((judged["tests_passed"], judged["tests_total"]), (1, 2))

    def test_come_in_batches(self):
        good, bad = self.client.create_executions(
            [{"source_code": "print(1)", "language": "python"}, {"source_code": "x", "language": "cobol"}]
        )
        self.assertFalse(is_problem(good))
        self.assertEqual(bad["code"], "unknown_language")
        self.client.wait(good["execution_id"])
        read, gone = self.client.read_executions([good["execution_id"], MISSING])
        self.assertEqual(read["stdout"], "1\n")
        self.assertEqual(gone["code"], "execution_not_found")

    def test_are_refused_with_the_fields_that_are_wrong(self):
        with self.assertRaises(ApiError) as raised:
            self.client.create_execution(souce_code="x")
        self.assertEqual(raised.exception.errors[0]["field"], "souce_code")
        self.assertTrue(raised.exception.request_id)

    def test_have_languages(self):
        offered = self.client.languages()
        self.assertEqual(offered["languages"][0]["id"], "python")
        limit = offered["languages"][0]["limits"]["wall_time_ms"]
        self.assertGreater(offered["limit_ranges"]["wall_time_ms"]["most"], limit)


class Streams(Real):
    path = EVENTS

    def test_tell_output_while_the_program_runs_and_once_more_after_its_end(self):
        code = "import time\nfor i in range(3):\n    print(i, flush=True)\n    time.sleep(0.2)"
        execution_id = self.run_code(code)
        for event in self.client.stream(execution_id):
            if event["type"] == "stdout" and event["data"].startswith("0"):
                self.assertFalse(has_ended(self.client.read_execution(execution_id)))
        self.assertEqual(event["execution"]["status"], "COMPLETED")
        stdout = ""
        ids = []
        for event in self.client.stream(execution_id):
            stdout = {"stdout": stdout + event.get("data", ""), "reset": ""}.get(event["type"], stdout)
            ids.append(event["id"])
        self.assertEqual(stdout, "0\n1\n2\n")
        self.assertEqual(event["execution"]["stdout"], stdout)
        self.assertEqual(ids, sorted(set(ids)))

    def test_go_on_after_any_event(self):
        execution_id = self.run_code("print('a')\nprint('b')")
        whole = list(self.client.stream(execution_id))
        for event in whole[:-1]:
            rest = list(self.client.stream(execution_id, last_event_id=event["id"]))
            self.assertEqual(rest[-1]["type"], "result")

    def test_lose_nothing_on_a_way_that_breaks_all_the_time(self):
        proxy = BreakingProxy(shared_server().base_url, 250)
        self.addCleanup(proxy.stop)
        execution_id = self.run_code(SLOW_LINES)
        stdout = ""
        for event in Runbay(proxy.base_url).stream(execution_id):
            stdout = {"stdout": stdout + event.get("data", ""), "reset": ""}.get(event["type"], stdout)
        self.assertEqual(stdout, "".join(f"ä {number}\n" for number in range(30)))
        self.assertEqual(event["execution"]["stdout"], stdout)
        self.assertGreater(proxy.connections, 3)

    def test_tell_the_verdicts_of_test_cases(self):
        execution_id = self.run_code(
            "print(input())", tests=[{"name": "one", "stdin": "1\n", "expected_stdout": "1"}]
        )
        told = [event for event in self.client.stream(execution_id) if event["type"] == "test"]
        self.assertEqual([(event["name"], event["verdict"]) for event in told], [("one", "passed")])

    def test_have_exact_bytes(self):
        execution_id = self.run_code("import os; os.write(1, bytes([255, 0]))")
        events = self.client.stream(execution_id, encoding="base64")
        self.assertEqual(b"".join(output_bytes(event) for event in events if event["type"] == "stdout"), b"\xff\x00")

    def test_of_nothing_are_an_error(self):
        with self.assertRaises(NotFoundError):
            next(self.client.stream(MISSING))


class Interactions(Real):
    path = WEBSOCKET

    def test_ask_and_answer(self):
        code = "print('Name?', flush=True)\nprint('Hello,', input())\nprint(open(0).read())"
        stdout = ""
        with self.client.interact(self.run_code(code, interactive=True)) as interaction:
            for event in interaction:
                if event["type"] != "stdout":
                    continue
                stdout += event["data"]
                if stdout == "Name?\n":
                    interaction.input("Ada\n")
                if stdout.endswith("Ada\n"):
                    interaction.input(b"the rest")
                    interaction.eof()
        self.assertEqual(stdout, "Name?\nHello, Ada\nthe rest\n")
        self.assertEqual(event["execution"]["status"], "COMPLETED")

    def test_send_signals(self):
        code = (
            "import time\nprint('ready', flush=True)\n"
            "try:\n    time.sleep(30)\nexcept KeyboardInterrupt:\n    print('stopped')"
        )
        with self.client.interact(self.run_code(code, interactive=True)) as interaction:
            for event in interaction:
                if event["type"] == "stdout" and event["data"].startswith("ready"):
                    interaction.signal("SIGINT")
        self.assertIn("stopped", event["execution"]["stdout"])

    def test_tell_the_size_of_the_terminal(self):
        code = "import os\nprint('ready', flush=True)\ninput()\nprint(os.get_terminal_size())"
        with self.client.interact(self.run_code(code, interactive=True, tty=True)) as interaction:
            for event in interaction:
                if event["type"] == "stdout" and "ready" in event["data"]:
                    interaction.resize(90, 33)
                    interaction.input("\n")
        self.assertIn("columns=90, lines=33", event["execution"]["stdout"])

    def test_lose_no_output_on_a_way_that_breaks_all_the_time(self):
        proxy = BreakingProxy(shared_server().base_url, 250)
        self.addCleanup(proxy.stop)
        execution_id = self.run_code(SLOW_LINES + "\ninput()", interactive=True)
        stdout = ""
        with Runbay(proxy.base_url).interact(execution_id) as interaction:
            for event in interaction:
                stdout = {"stdout": stdout + event.get("data", ""), "reset": ""}.get(event["type"], stdout)
                # Told again after a break, unlike a line of input.
                if stdout.endswith("29\n"):
                    interaction.eof()
        self.assertEqual(stdout, "".join(f"ä {number}\n" for number in range(30)))
        self.assertGreater(proxy.connections, 3)

    def test_of_nothing_are_an_error(self):
        with self.assertRaises(NotFoundError):
            next(self.client.interact(MISSING))
