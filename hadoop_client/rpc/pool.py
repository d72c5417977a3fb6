"""Clients for many logins: one connection per login, limited in number, closed when idle.

- Concurrent calls of one login share its client.
- An idle client is kept for the next call and closed after `idle_seconds`. It is closed earlier if
  another login needs its place; the least recently used one goes first.
- If all places are in use, further logins wait for up to `timeout` seconds.
- There is no task, and a timer only while a client is idle.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import CallTimeoutError, Login

__all__ = ["ClientPool"]


@dataclass
class _Entry:
    """A client, its number of users, and the time since which it has none."""

    client: AsyncClient
    users: int = 0
    idle_since: float = 0.0


class ClientPool:
    """At most `limit` clients, made by `make` when needed."""

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
        self._places = asyncio.Semaphore(limit)
        self._used: dict[Login, _Entry] = {}
        self._idle: dict[Login, _Entry] = {}  # least recently used first
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def client(self, login: Login) -> AsyncIterator[AsyncClient]:
        """Lend the login's client; raises `CallTimeoutError` if no place becomes free in time."""
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
        """Close all clients; outstanding calls fail."""
        if self._timer is not None:
            self._timer.cancel()
        entries = [*self._used.values(), *self._idle.values()]
        self._idle.clear()
        for entry in entries:
            await entry.client.close()

    async def _take(self, login: Login) -> _Entry:
        if login not in self._used:
            await self._places.acquire()
            if login in self._used:  # a concurrent call of this login got a place first
                self._places.release()
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
        self._places.release()
        if self._timer is None:
            self._close_idle()

    def _close_idle(self) -> None:
        """Close clients that have been idle long enough, and set the timer for the next one."""
        loop = asyncio.get_running_loop()
        self._timer = None
        for login, entry in list(self._idle.items()):
            due = entry.idle_since + self._idle_seconds
            if due > loop.time():
                self._timer = loop.call_at(due, self._close_idle)
                return
            self._idle.pop(login).client.abort()
