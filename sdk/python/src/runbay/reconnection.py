"""How far a stream of events has come, and when it has failed for good."""

from __future__ import annotations

import threading
from typing import Optional

from .errors import ApiError
from .errors import ConnectionFailedError
from .retry import LONGEST_WAIT_SECONDS
from .retry import backoff_seconds

# How many connections in a row may break without a new event.
MAX_FAILURES = 10


class Reconnection:
    """The place from which the next connection goes on, and the failures since the last progress."""

    def __init__(self, last_event_id: Optional[int], max_failures: int) -> None:
        """Begins after an event, or at the beginning."""
        self.last_event_id = last_event_id
        self._max_failures = max_failures
        self._highest_id: Optional[int] = None
        self._failures = 0

    def received(self, event_id: int) -> None:
        """Notes an event. What was told before, as after a reset, is no progress."""
        self.last_event_id = event_id
        if self._highest_id is None or event_id > self._highest_id:
            self._highest_id = event_id
            self._failures = 0

    def pause(self, failure: Exception, stop: threading.Event) -> None:
        """Waits until it is time to connect again, or to stop; raises after too many failures without progress."""
        if self._failures >= self._max_failures:
            raise self._given_up(failure) from failure
        asked = failure.retry_after_seconds if isinstance(failure, ApiError) else None
        stop.wait(max(backoff_seconds(self._failures), min(asked or 0.0, LONGEST_WAIT_SECONDS)))
        self._failures += 1

    def _given_up(self, failure: Exception) -> Exception:
        if isinstance(failure, ApiError):
            return failure
        connections = self._failures + 1
        return ConnectionFailedError(
            f"the events could not be followed in {connections} connections without a new one: {failure}"
        )
