"""Hadoop RPC over asyncio: the hub's client, many calls at once on one connection.

- Connects when it is first used, and again after the connection was lost; calls that come
  meanwhile share the attempt.
- Tries each address in turn: the next one where a server refuses, does not answer, or says that it
  is in standby. One that has answered stays first, also when its connection is lost once.
- Where none of them did, the calls of the next moment fail at once: see `servers`.
- Each call has a deadline of its own. One that runs out leaves the connection to the others, unless
  the server has been silent all the while: then the connection is given up.
- A call whose connection is lost before the answer is sent again, within its deadline, only if its
  method is idempotent.
- A cancelled call leaves the connection usable.
- A large answer is decoded in pieces: see `pieces`.
- Every attempt at a call and every connection is traced: see `trace`.
- There is no task but the one that connects, and no thread but asyncio's own for host names and
  for a login's preparation.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from hadoop_client.rpc.call import (
    Address,
    ConnectError,
    Login,
    Method,
    Request,
    Response,
    RpcError,
    all_addresses_failed,
    interrupted_call_error,
)
from hadoop_client.rpc.chunked import decode
from hadoop_client.rpc.connection import Connection
from hadoop_client.rpc.failover import Failover
from hadoop_client.rpc.trace import CONNECT, OK, CallRecord, OnCall, log_call, name_outcome
from hadoop_client.security.sasl import Prepare, SaslError
from hadoop_client.wire import WireError


class AsyncClient:
    """Calls of one login to one protocol, in one event loop. `timeout` is a call's, in seconds."""

    def __init__(
        self,
        addresses: Sequence[Address],
        protocol: str,
        login: Login,
        timeout: float = 20.0,
        prepare: Prepare | None = None,
        on_call: OnCall = log_call,
    ) -> None:
        self._servers = Failover(addresses)
        self._protocol = protocol
        self._login = login
        self._timeout = timeout
        self._prepare = prepare
        self._on_call = on_call
        self._link: _Link | None = None
        self._connecting: asyncio.Task[_Link | _Unreachable] | None = None
        self._closed = False

    def for_login(self, login: Login) -> AsyncClient:
        """Make a client of another login, which shares what is known of the servers."""
        client = AsyncClient((), self._protocol, login, self._timeout, self._prepare, self._on_call)
        client._servers = self._servers
        return client

    def abort(self) -> None:
        """Close the connection for good, soon; what is outstanding fails with a `ConnectError`."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._link is not None:
            self._link.end(ConnectionAbortedError("the client was closed"))

    async def close(self) -> None:
        """Close the connection for good, and wait until it is; outstanding calls fail."""
        self.abort()
        if self._connecting is not None:
            await asyncio.wait([self._connecting])
        if self._link is not None:
            await asyncio.wait([self._link.lost])

    async def call(self, method: Method[Request, Response], request: Request) -> Response:
        """Call a method; raises `RpcError` or `ConnectError`."""
        body = request.encode()
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._timeout
        tried: dict[Address, BaseException] = {}
        # A connection that we still have may be dead: that must not cost an address its turn.
        for _ in range(len(self._servers) + (self._link is not None)):
            if self._servers.backing_off and not self._has_link:
                raise self._servers.backoff_error(method.name)
            link = await self._connect(deadline)
            if isinstance(link, _Unreachable):
                tried[link.address] = link.error
                continue
            started = clock()
            result = await self._attempt(link, method, body, deadline)
            if not isinstance(result, Exception):
                return result
            if isinstance(result, RpcError) and not result.standby:
                raise result
            if not isinstance(result, TimeoutError) or link.heard_at < started:
                link.end(ConnectionAbortedError("the connection was given up"))
                if not (isinstance(result, ConnectionError) and link.worked):
                    self._servers.demote(link.address)
            tried[link.address] = result
            broken = interrupted_call_error(method, result, tried)
            if broken is not None:
                raise broken from result
        error = all_addresses_failed(method, tried, in_time=clock() < deadline)
        self._servers.record_failure(error)
        raise error

    async def _attempt(
        self, link: _Link, method: Method[Request, Response], body: bytes, deadline: float
    ) -> Response | Exception:
        """Return the answer of one server, or what came instead of it."""
        started = asyncio.get_running_loop().time()
        result: bytes | Exception | None = None
        try:
            result = await link.call(method, body, deadline)
        finally:
            received = len(result) if isinstance(result, bytes) else 0
            outcome = name_outcome(result)
            self._trace(method.name, link.address, started, outcome, len(body), received)
        if isinstance(result, bytes):
            self._servers.record_success()
            try:
                return await decode(method.response, result)
            except WireError as error:
                return error
        if isinstance(result, RpcError) and not result.standby:
            self._servers.record_success()
        return result

    @property
    def _has_link(self) -> bool:
        """Whether there is a connection, or one is being made."""
        return self._connecting is not None or (self._link is not None and self._link.ended is None)

    async def _connect(self, deadline: float) -> _Link | _Unreachable:
        if self._closed:
            raise ConnectError("the client was closed", {})
        if self._link is not None and self._link.ended is None:
            return self._link
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._dial(self._servers.first))
        # Only waited for: one caller's deadline or cancellation is not the other callers'.
        connecting, address = self._connecting, self._servers.first
        remaining = deadline - asyncio.get_running_loop().time()
        await asyncio.wait([connecting], timeout=remaining)
        if not connecting.done():
            return _Unreachable(address, TimeoutError())
        if connecting.cancelled():
            raise ConnectError("the client was closed", {})
        return connecting.result()

    async def _dial(self, address: Address) -> _Link | _Unreachable:
        # Each address gets its share, so that a silent one leaves time for the others.
        share = self._timeout / len(self._servers)
        loop = asyncio.get_running_loop()
        started = loop.time()
        link: _Link | None = None
        error: Exception = TimeoutError()
        try:
            link = await asyncio.wait_for(self._open(address), share)
        except asyncio.TimeoutError:
            pass
        except (OSError, UnicodeError, SaslError) as failed:
            error = failed
        finally:
            self._connecting = None
        self._trace(CONNECT, address, started, OK if link else name_outcome(error))
        if link is not None:
            self._link = link
            return link
        self._servers.demote(address)
        return _Unreachable(address, error)

    async def _open(self, address: Address) -> _Link:
        mechanisms = None
        if self._prepare is not None:
            mechanisms = await asyncio.to_thread(self._prepare, address[0])
        link = _Link(address, Connection(self._protocol, self._login, mechanisms))
        await asyncio.get_running_loop().create_connection(lambda: link, *address)
        return link

    def _trace(
        self, what: str, address: Address, started: float, outcome: str, *sizes: int
    ) -> None:
        seconds = asyncio.get_running_loop().time() - started
        who = self._login
        self._on_call(CallRecord(what, who.user, who.real_user, address, seconds, outcome, *sizes))


@dataclass(frozen=True)
class _Unreachable:
    """An address to which there is no connection, and why."""

    address: Address
    error: Exception


class _Link(asyncio.Protocol):
    """One connection, and the calls that wait for their answers on it.

    An answer is a future's result also where it is an exception: nobody may be left to retrieve it.
    """

    def __init__(self, address: Address, connection: Connection) -> None:
        self.address = address
        self.ended: Exception | None = None
        self.worked = False
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answers: dict[int, asyncio.Future[bytes | Exception]] = {}
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.heard_at = self._loop.time()

    async def call(
        self, method: Method[Request, Response], request: bytes, deadline: float
    ) -> bytes | Exception:
        """Return the answer, or what came instead of it."""
        if self.ended is not None:
            return self.ended
        call_id = self._connection.call(method, request)
        answer = self._answers[call_id] = self._loop.create_future()
        try:
            self._flush()
            await asyncio.wait([answer], timeout=deadline - self._loop.time())
            return answer.result() if answer.done() else TimeoutError("no answer in time")
        finally:
            self._answers.pop(call_id, None)
            self._connection.forget(call_id)

    def end(self, error: Exception) -> None:
        """Close the connection; what is outstanding ends with `error`."""
        self.ended = self.ended or error
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result(error)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._flush()

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._loop.time()
        try:
            for call_id, result in self._connection.receive_data(data):
                answer = self._answers.get(call_id)
                if answer is not None and not answer.done():
                    answer.set_result(result)
                    self.worked = True
        except (RpcError, SaslError, WireError) as error:
            self.end(error)
        else:
            self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            self._read_last_words()
        self.end(error or ConnectionResetError("the server closed the connection"))
        self.lost.set_result(None)

    def _read_last_words(self) -> None:
        """Read what a server that refuses us has said before it closed.

        Where asyncio notices the close by a write that fails, it does not read again; the socket is
        still open here, and has the reason.
        """
        assert self._transport is not None
        with suppress(OSError):
            while data := os.read(self._transport.get_extra_info("socket").fileno(), 1 << 16):
                self.data_received(data)

    def _flush(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._connection.data_to_send())
