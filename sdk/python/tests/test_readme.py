import contextlib
import io
import re
import unittest
from pathlib import Path

from .real_server import shared_server

README = Path(__file__).resolve().parents[1] / "README.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)


class Readme(unittest.TestCase):
    def test_has_examples_that_print_what_they_say(self):
        server = shared_server()
        paths = {"stream": "/executions/{execution_id}/events", "interact": "/executions/{execution_id}/ws"}
        lacking = [call for call, path in paths.items() if server.lacks(path)]
        names = {}
        self.addCleanup(lambda: names["client"].close())
        for example in EXAMPLES:
            if any(f".{call}(" in example for call in lacking):
                continue
            code = example.replace("http://localhost:8080", server.base_url)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(code, "README.md", "exec"), names)
            for line in re.findall(r"print\(.*\)  # (.*)$", code, re.MULTILINE):
                self.assertIn(line, printed.getvalue().splitlines(), code)
        if lacking:
            self.skipTest(f"examples left out: this server has no way to {' and '.join(lacking)}")
