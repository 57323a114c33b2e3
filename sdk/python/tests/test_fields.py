import unittest

from runbay import types

from .real_server import shared_server

# Other names of what has a name here already.
ALIASES = {"code", "template_code", "executionTime"}

TYPES = {
    "File": types.File,
    "ChosenLimits": types.ChosenLimits,
    "TestCase": types.TestCase,
    "CreateSession": types.CreateSession,
    "SaveSession": types.SaveSession,
    "CheckSession": types.CheckSession,
    "RunSession": types.RunSession,
    "CreateExecution": types.CreateExecution,
    "Session": types.Session,
    "SessionSummary": types.SessionSummary,
    "SessionPage": types.SessionPage,
    "SavedSession": types.SavedSession,
    "ClosedSession": types.ClosedSession,
    "Diagnostic": types.Diagnostic,
    "CheckReport": types.CheckReport,
    "AcceptedExecution": types.AcceptedExecution,
    "TestResult": types.TestResult,
    "Execution": types.EndedExecution,
    "ExecutionPage": types.ExecutionPage,
    "Language": types.Language,
    "Languages": types.Languages,
    "FieldError": types.FieldError,
    "Problem": types.Problem,
}


class Fields(unittest.TestCase):
    def test_are_typed_if_the_server_describes_them(self):
        schemas = shared_server().document["components"]["schemas"]

        def described(schema):
            if "$ref" in schema:
                return described(schemas[schema["$ref"].rpartition("/")[2]])
            return set(schema.get("properties", ())).union(*map(described, schema.get("allOf", ())))

        for name, kind in TYPES.items():
            missing = described(schemas[name]) - set(kind.__annotations__) - ALIASES
            self.assertEqual(missing, set(), f"{name} in types.py")
