"""What all clients of one service know of its servers: whom to ask first, and when to ask nobody.

- The server that answered last comes first; one that did not answer goes to the end.
- Where none of them answered, all are left alone for a moment: 0.1 s, twice as long after each
  attempt in vain, 5 s at most, and never exactly as long as others do. So thousands of polls don't
  add up to an attack on a ResourceManager that is just coming back.
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
        self._failure = ConnectError("nobody was asked", {})

    def __len__(self) -> int:
        return len(self._addresses)

    @property
    def first(self) -> Address:
        """The one to ask first."""
        return self._addresses[0]

    @property
    def backing_off(self) -> bool:
        """Whether they are to be left alone for now."""
        return self._clock() < self._backoff_until

    def demote(self, address: Address) -> None:
        """Put a server behind the others, unless somebody else has done so already."""
        if self.first == address:
            self._addresses.rotate(-1)

    def record_success(self) -> None:
        """Take note that one of them works."""
        self._backoff_seconds = FIRST_BACKOFF_SECONDS

    def record_failure(self, error: ConnectError) -> None:
        """Take note that none of them did. Calls that fail together count as one."""
        if not self.backing_off:
            self._failure = error
            self._backoff_until = self._clock() + self._backoff_seconds * random.uniform(0.5, 1)
            self._backoff_seconds = min(2 * self._backoff_seconds, LONGEST_BACKOFF_SECONDS)

    def backoff_error(self, call: str) -> ConnectError:
        """Return what a call comes to meanwhile: why none of them did has not changed."""
        why = self._failure.reasons
        if isinstance(self._failure, LoginError):
            return LoginError(f"{call} has to wait, as nobody let us in a moment ago", why)
        return ConnectError(f"{call} has to wait, as nobody answered a moment ago", why)
