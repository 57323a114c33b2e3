"""Client for Runbay, a self-hosted backend for live code execution."""

from .client import Runbay
from .errors import ActiveExecutionError
from .errors import ApiError
from .errors import ConnectionFailedError
from .errors import InteractionClosedError
from .errors import NotFoundError
from .errors import RunbayError
from .errors import VersionConflictError
from .errors import WaitTimeoutError
from .events import ExecutionEvent
from .events import InteractionEvent
from .events import output_bytes
from .interaction import Interaction
from .types import has_ended
from .types import is_problem

__all__ = [
    "ActiveExecutionError",
    "ApiError",
    "ConnectionFailedError",
    "ExecutionEvent",
    "Interaction",
    "InteractionClosedError",
    "InteractionEvent",
    "NotFoundError",
    "Runbay",
    "RunbayError",
    "VersionConflictError",
    "WaitTimeoutError",
    "has_ended",
    "is_problem",
    "output_bytes",
]
