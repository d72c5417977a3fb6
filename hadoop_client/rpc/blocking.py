"""Hadoop RPC over a blocking socket, for one thread and one call at a time: the container's client.

- The first call connects; after a lost connection the next call connects again.
- A call tries each address once, the one that answered last first. It passes over a server that
  refuses, does not answer or is in standby. To wait for a restart, call again.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from hadoop_client.rpc.call import (
    Address,
    Login,
    Method,
    Request,
    Response,
    RpcError,
    all_addresses_failed,
    interrupted_call_error,
)
from hadoop_client.rpc.connection import Connection
from hadoop_client.security.sasl import Prepare, SaslError
from hadoop_client.wire import WireError

__all__ = ["BlockingClient"]

CHUNK_BYTES = 1 << 16


class BlockingClient:
    """Calls of one login to one protocol; each ends within `timeout` seconds."""

    def __init__(
        self,
        addresses: Sequence[Address],
        protocol: str,
        login: Login,
        timeout: float = 20.0,
        prepare: Prepare | None = None,
    ) -> None:
        self._addresses = deque(addresses)
        self._protocol = protocol
        self._login = login
        self._timeout = timeout
        self._prepare = prepare
        self._link: tuple[socket.socket, Connection] | None = None
        self._worked = False

    def __enter__(self) -> BlockingClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; a later call opens a new one."""
        if self._link is not None:
            self._link[0].close()
            self._link = None

    def call(self, method: Method[Request, Response], request: Request) -> Response:
        """Call a method and return its response; raises `RpcError` or `ConnectError`."""
        body = request.encode()
        deadline = time.monotonic() + self._timeout
        tried: dict[Address, BaseException] = {}
        # An open connection may be dead, which must not use up its address's attempt.
        for _ in range(len(self._addresses) + (self._link is not None)):
            address = self._addresses[0]
            try:
                sock, connection = self._connect(deadline)
            except (OSError, UnicodeError, SaslError) as error:
                self._give_up_address()
                tried[address] = error
                continue
            call_id = connection.call(method, body)
            try:
                answer = exchange(sock, connection, call_id, deadline)
                self._worked = True
                return method.response.decode(answer)
            except (RpcError, SaslError, WireError, OSError) as error:
                if isinstance(error, RpcError) and not error.standby:
                    if error.fatal:
                        self.close()
                    raise
                if isinstance(error, ConnectionError) and self._worked:
                    self.close()
                else:
                    self._give_up_address()
                tried[address] = error
                final = interrupted_call_error(method, error, tried)
                if final is not None:
                    raise final from error
        raise all_addresses_failed(method, tried, in_time=time.monotonic() < deadline)

    def _connect(self, deadline: float) -> tuple[socket.socket, Connection]:
        if self._link is not None and not _is_alive(self._link[0]):
            self.close()
        if self._link is None:
            # Each address gets a share of the time, so that a silent one leaves some to the others.
            share = min(_remaining(deadline), self._timeout / len(self._addresses))
            mechanisms = self._prepare(self._addresses[0][0]) if self._prepare else None
            sock = socket.create_connection(self._addresses[0], share)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self._protocol, self._login, mechanisms)
            self._link = sock, connection
            self._worked = False
        return self._link

    def _give_up_address(self) -> None:
        self.close()
        self._addresses.rotate(-1)


def exchange(sock: socket.socket, connection: Connection, call_id: int, deadline: float) -> bytes:
    """Return the answer to a call."""
    while True:
        sock.settimeout(_remaining(deadline))
        # A server that refuses the login sends the reason and closes the connection. The reason is
        # read even if sending fails.
        with suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(connection.data_to_send())
        data = sock.recv(CHUNK_BYTES)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        for answered, result in connection.receive_data(data):
            if answered == call_id:
                if isinstance(result, RpcError):
                    raise result
                return result


def _is_alive(sock: socket.socket) -> bool:
    """Return whether a connection without outstanding calls is still open."""
    sock.settimeout(0)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False  # the server closed it, or sent data without a call


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("no time is left")
    return remaining
