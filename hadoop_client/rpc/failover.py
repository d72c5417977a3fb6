"""The servers of one service, shared by all clients: which to try first, and when to try none.

- The server that answered last comes first. One that did not answer goes to the end.
- If no server answered, clients back off: for 0.1 s at first, twice as long after each failure, and
  5 s at most. Each period is shortened by a random part. Otherwise thousands of synchronised polls
  would hit a ResourceManager while it restarts.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Sequence

from hadoop_client.rpc.call import Address, ConnectError, LoginError

FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.1, 5.0


class Failover:
    """The servers of one service."""

    def __init__(
        self, addresses: Sequence[Address], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._addresses = deque(addresses)
        self._clock = clock
        self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._backoff_until = float("-inf")
        self._failure = ConnectError("no server was tried", {})

    def __len__(self) -> int:
        return len(self._addresses)

    @property
    def first(self) -> Address:
        """The address to try first."""
        return self._addresses[0]

    @property
    def backing_off(self) -> bool:
        """Whether no server should be tried now."""
        return self._clock() < self._backoff_until

    def demote(self, address: Address) -> None:
        """Put a server behind the others, unless another call has done so already."""
        if self.first == address:
            self._addresses.rotate(-1)

    def record_success(self) -> None:
        """Record that a server answered."""
        self._backoff_seconds = FIRST_BACKOFF_SECONDS

    def record_failure(self, error: ConnectError) -> None:
        """Record that no server answered. Calls that fail together count as one failure."""
        if not self.backing_off:
            self._failure = error
            self._backoff_until = self._clock() + self._backoff_seconds * random.uniform(0.5, 1)
            self._backoff_seconds = min(2 * self._backoff_seconds, LONGEST_BACKOFF_SECONDS)

    def backoff_error(self, call: str) -> ConnectError:
        """Return the error of a call during the backoff, with the reasons of the last failure."""
        reasons = self._failure.reasons
        if isinstance(self._failure, LoginError):
            return LoginError(f"{call} was not sent: authentication failed a moment ago", reasons)
        return ConnectError(f"{call} was not sent: no server responded a moment ago", reasons)
