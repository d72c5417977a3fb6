"""How often one server gets new delegation tokens.

Each token stays in the NameNode's and the ResourceManager's state for its maximum lifetime, a week
by default. A server that asks without end must not fill them, so the hub limits each server:

- Tokens are fetched for one request at a time. Other requests are refused until it is answered.
- For a tenth of the refresh interval, the answer is the tokens of the last fetch.
- After a failed fetch, requests are refused for half of the time after which a server tries again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping

from hadoop_client.security.credentials import Token
from yarnspawner.container.payload import retry_seconds


class TooManyRequestsError(Exception):
    """The server asks too often. It may try again after `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("The server requests tokens too often.")
        self.retry_after = math.ceil(retry_after)


class TokenCache:
    """The tokens that one start of a server got last."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens: Mapping[str, Token] = {}
        self._fresh_until = self._refused_until = -math.inf
        self._is_fetching = False

    async def get(
        self, fetch: Callable[[], Awaitable[Mapping[str, Token]]], refresh_seconds: float
    ) -> Mapping[str, Token]:
        """Return the cached tokens, or those that `fetch` returns; raises `TooManyRequestsError`
        and the errors of `fetch`."""
        now = self._clock()
        if now < self._fresh_until:
            return self._tokens
        pause = retry_seconds(refresh_seconds) / 2
        if self._is_fetching:
            raise TooManyRequestsError(pause)
        if now < self._refused_until:
            raise TooManyRequestsError(self._refused_until - now)
        self._is_fetching = True
        try:
            self._tokens = await fetch()
        except BaseException:
            self._refused_until = self._clock() + pause
            raise
        finally:
            self._is_fetching = False
        self._fresh_until = self._clock() + refresh_seconds / 10
        return self._tokens
