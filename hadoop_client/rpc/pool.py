"""Clients for many logins: one connection per identity, bounded in number, closed when idle.

- Calls of one login at the same time share its client.
- A client that nobody uses is kept for the next call, and closed when none comes for a while. It
  goes earlier where another login needs its place: the one that was used longest ago first.
- Where all places are in use, further logins wait for their turn, for as long as a call may take.
- There is no task; one timer while there is anything idle.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import CallTimeoutError, Login


@dataclass
class _Entry:
    """A client and how many use it, or since when nobody does."""

    client: AsyncClient
    users: int = 0
    idle_since: float = 0.0


class ClientPool:
    """At most `limit` clients, made by `make` as they are needed."""

    def __init__(
        self,
        make: Callable[[Login], AsyncClient],
        limit: int = 32,
        idle_seconds: float = 60.0,
        timeout: float = 20.0,
    ) -> None:
        self._make = make
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._timeout = timeout
        self._turns = asyncio.Semaphore(limit)
        self._used: dict[Login, _Entry] = {}
        self._idle: dict[Login, _Entry] = {}  # the one that was used longest ago comes first
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def client(self, login: Login) -> AsyncIterator[AsyncClient]:
        """Lend the login's client; raises `CallTimeoutError` where no place becomes free in
        time."""
        try:
            entry = await asyncio.wait_for(self._take(login), self._timeout)
        except asyncio.TimeoutError:
            sentence = f"all {self._limit} connections were in use for {self._timeout:g} s"
            raise CallTimeoutError(sentence, {}) from None
        try:
            yield entry.client
        finally:
            self._give_back(login, entry)

    async def close(self) -> None:
        """Close all of them; calls that are outstanding fail."""
        if self._timer is not None:
            self._timer.cancel()
        entries = [*self._used.values(), *self._idle.values()]
        self._idle.clear()
        for entry in entries:
            await entry.client.close()

    async def _take(self, login: Login) -> _Entry:
        if login not in self._used:
            await self._turns.acquire()
            if login in self._used:  # somebody else's turn for it came first
                self._turns.release()
            else:
                idle = login in self._idle
                self._used[login] = self._idle.pop(login) if idle else self._open(login)
        entry = self._used[login]
        entry.users += 1
        return entry

    def _open(self, login: Login) -> _Entry:
        if len(self._used) + len(self._idle) >= self._limit:
            self._idle.pop(next(iter(self._idle))).client.abort()
        return _Entry(self._make(login))

    def _give_back(self, login: Login, entry: _Entry) -> None:
        entry.users -= 1
        if entry.users:
            return
        entry.idle_since = asyncio.get_running_loop().time()
        self._idle[login] = self._used.pop(login)
        self._turns.release()
        if self._timer is None:
            self._close_idle()

    def _close_idle(self) -> None:
        """Close what has been idle for long enough, and come back when the next one has been."""
        loop = asyncio.get_running_loop()
        self._timer = None
        for login, entry in list(self._idle.items()):
            due = entry.idle_since + self._idle_seconds
            if due > loop.time():
                self._timer = loop.call_at(due, self._close_idle)
                return
            self._idle.pop(login).client.abort()
