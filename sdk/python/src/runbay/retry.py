"""When and how soon to try again."""

from __future__ import annotations

import enum
import random
import time
from email.utils import parsedate_to_datetime
from typing import Optional

from .errors import ApiError
from .errors import ConnectionFailedError

# The longest wait for another attempt; a server that asks for more is not asked again.
LONGEST_WAIT_SECONDS = 30.0

# A request that is refused with one of these had no effect. 503 timeout and unavailable do not promise that.
_WITHOUT_EFFECT = frozenset(
    ("overloaded", "queue_full", "queue_unavailable", "checker_busy", "no_language", "not_ready")
)


class Resending(enum.Enum):
    """What sending a request again can do."""

    # Nothing more: reads, and writes under an idempotency key.
    HARMLESS = "harmless"
    # The same once more; sent again only if the first one had no effect for certain.
    REPEATS = "repeats"


def retry_delay_seconds(error: Exception, resending: Resending, failures: int) -> Optional[float]:
    """Returns how long to wait before sending a request again; None when it must not be."""
    if isinstance(error, ConnectionFailedError):
        return backoff_seconds(failures) if resending is Resending.HARMLESS else None
    if not isinstance(error, ApiError) or not _is_passing(error, resending):
        return None
    delay = error.retry_after_seconds
    if delay is None:
        delay = backoff_seconds(failures)
    return delay if delay <= LONGEST_WAIT_SECONDS else None


def may_pass(error: Exception) -> bool:
    """Tells whether a failure to follow an execution may be gone at the next connection."""
    if isinstance(error, ApiError):
        return error.status == 429 or error.status >= 500
    return isinstance(error, ConnectionFailedError)


def backoff_seconds(failures: int) -> float:
    """Returns a random wait that grows with the number of failures in a row."""
    return float(min(0.1 * 2 ** min(failures, 10), 5.0) * random.uniform(0.5, 1.0))


def parse_retry_after(value: Optional[str]) -> Optional[float]:
    """Reads a `Retry-After`: seconds, or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None


def _is_passing(error: ApiError, resending: Resending) -> bool:
    if error.status == 429:
        return True
    if resending is Resending.HARMLESS:
        return error.status in (502, 503, 504)
    return error.status == 503 and error.code in _WITHOUT_EFFECT
