"""Hadoop RPC over asyncio: many concurrent calls on one connection.

- The first call connects, and so does the next one after a lost connection. Concurrent calls share
  the attempt.
- A call tries each address once, the one that answered last first. It passes over a server that
  refuses, does not answer or is in standby.
- If none answered, calls of the next moment fail without being sent: see `failover`.
- Each call has its own deadline. A call that times out leaves the connection to the others, unless
  the server has sent nothing since the call began: then the connection is closed.
- After a lost connection only a call of an idempotent method is sent again, within its deadline.
- A cancelled call leaves the connection usable.
- A large answer is decoded in chunks: see `chunked`.
- Every connection and every attempt at a call is traced: see `trace`.
- The only task is the one that connects. The only threads are asyncio's, for host names and for
  preparing a login.
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
from hadoop_client.rpc.connection import Connection, TooLongError
from hadoop_client.rpc.failover import Failover
from hadoop_client.rpc.trace import CONNECT, OK, CallRecord, OnCall, log_call, name_outcome
from hadoop_client.security.sasl import Prepare, SaslError
from hadoop_client.wire import WireError

__all__ = ["AnswerTooLargeError", "AsyncClient"]


class AnswerTooLargeError(ConnectError):
    """The server answered, with more than a client accepts."""


class AsyncClient:
    """Calls of one login to one protocol, in one event loop; each ends within `timeout` seconds.

    `prepare` prepares a login, as `kerberos.logins` returns it. `on_call` gets a record of each
    attempt.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        protocol: str,
        login: Login,
        timeout: float = 20.0,
        prepare: Prepare | None = None,
        on_call: OnCall = log_call,
    ) -> None:
        self._failover = Failover(addresses)
        self._protocol = protocol
        self._login = login
        self._timeout = timeout
        self._prepare = prepare
        self._on_call = on_call
        self._link: _Link | None = None
        self._connecting: asyncio.Task[_Link | _Unreachable] | None = None
        self._closed = False

    def for_login(self, login: Login) -> AsyncClient:
        """Make a client of another login that shares this one's view of the servers."""
        client = AsyncClient((), self._protocol, login, self._timeout, self._prepare, self._on_call)
        client._failover = self._failover
        return client

    def abort(self) -> None:
        """Begin to close the client. Outstanding and later calls raise `ConnectError`."""
        self._closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._link is not None:
            self._link.end(ConnectionAbortedError("the client was closed"))

    async def close(self) -> None:
        """Close the client. Outstanding and later calls raise `ConnectError`."""
        self.abort()
        if self._connecting is not None:
            await asyncio.wait([self._connecting])
        if self._link is not None:
            await asyncio.wait([self._link.lost])

    async def call(self, method: Method[Request, Response], request: Request) -> Response:
        """Call a method and return its response; raises `RpcError` or `ConnectError`."""
        body = request.encode()
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._timeout
        tried: dict[Address, BaseException] = {}
        # An open connection may be dead, which must not use up its address's attempt.
        for _ in range(len(self._failover) + (self._link is not None)):
            if self._failover.backing_off and not self._has_link:
                raise self._failover.backoff_error(method.name)
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
            if isinstance(result, TooLongError):
                # The server works: other calls need neither another server nor a backoff.
                raise AnswerTooLargeError(str(result), {}) from result
            if not isinstance(result, TimeoutError) or link.heard_at < started:
                link.end(ConnectionAbortedError("the connection was given up"))
                if not (isinstance(result, ConnectionError) and link.worked):
                    self._failover.demote(link.address)
            tried[link.address] = result
            final = interrupted_call_error(method, result, tried)
            if final is not None:
                raise final from result
        error = all_addresses_failed(method, tried, in_time=clock() < deadline)
        self._failover.record_failure(error)
        raise error

    async def _attempt(
        self, link: _Link, method: Method[Request, Response], body: bytes, deadline: float
    ) -> Response | Exception:
        """Return one server's answer, or the exception that ended the attempt."""
        started = asyncio.get_running_loop().time()
        result: bytes | Exception | None = None
        try:
            result = await link.call(method, body, deadline)
        finally:
            received = len(result) if isinstance(result, bytes) else 0
            outcome = name_outcome(result)
            self._trace(method.name, link.address, started, outcome, len(body), received)
        if isinstance(result, bytes):
            self._failover.record_success()
            try:
                return await decode(method.response, result)
            except WireError as error:
                return error
        if isinstance(result, RpcError) and not result.standby:
            self._failover.record_success()
        return result

    @property
    def _has_link(self) -> bool:
        """Whether the client is connected or connecting."""
        return self._connecting is not None or (self._link is not None and self._link.ended is None)

    async def _connect(self, deadline: float) -> _Link | _Unreachable:
        if self._closed:
            raise ConnectError("the client was closed", {})
        if self._link is not None and self._link.ended is None:
            return self._link
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._dial(self._failover.first))
        # The task is waited for, not awaited: one caller's deadline or cancellation must not end it
        # for the others.
        connecting, address = self._connecting, self._failover.first
        remaining = deadline - asyncio.get_running_loop().time()
        await asyncio.wait([connecting], timeout=remaining)
        if not connecting.done():
            return _Unreachable(address, TimeoutError())
        if connecting.cancelled():
            raise ConnectError("the client was closed", {})
        return connecting.result()

    async def _dial(self, address: Address) -> _Link | _Unreachable:
        # Each address gets a share of the time, so that a silent one leaves some to the others.
        share = self._timeout / len(self._failover)
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
        self._failover.demote(address)
        return _Unreachable(address, error)

    async def _open(self, address: Address) -> _Link:
        mechanisms = None
        if self._prepare is not None:
            mechanisms = await asyncio.to_thread(self._prepare, address[0])
        link = _Link(address, Connection(self._protocol, self._login, mechanisms))
        await asyncio.get_running_loop().create_connection(lambda: link, *address)
        return link

    def _trace(
        self, method: str, address: Address, started: float, outcome: str, *sizes: int
    ) -> None:
        seconds = asyncio.get_running_loop().time() - started
        user, real_user = self._login.user, self._login.real_user
        self._on_call(CallRecord(method, user, real_user, address, seconds, outcome, *sizes))


@dataclass(frozen=True)
class _Unreachable:
    """An address that could not be connected to, and why."""

    address: Address
    error: Exception


class _Link(asyncio.Protocol):
    """One connection, and the calls that wait for their answers on it.

    A future's result is the answer or an exception. It is not the future's exception, because
    asyncio logs one that is never retrieved, and a cancelled call retrieves none.
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
        """Return the answer, or the exception that ended the call."""
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
        """Close the connection; outstanding calls end with `error`."""
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
            self._read_rest()
        self.end(error or ConnectionResetError("the server closed the connection"))
        self.lost.set_result(None)

    def _read_rest(self) -> None:
        """Read the reason that a server sent before it closed the connection.

        If a failed write tells asyncio of the close, asyncio does not read again. The socket is
        still open at this point, and holds the reason.
        """
        assert self._transport is not None
        with suppress(OSError):
            while data := os.read(self._transport.get_extra_info("socket").fileno(), 1 << 16):
                self.data_received(data)

    def _flush(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._connection.data_to_send())
