"""A Hadoop RPC server: `ServerSide` is one connection without I/O, `RpcServer` has a port for it.

The test's handler gets each call and may answer it at any time, in any order, or never.
"""

from __future__ import annotations

import base64
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from hadoop_client.rpc.connection import (
    ConnectionContext,
    RequestHeader,
    RequestPacketHeader,
    ResponseHeader,
    RpcStatus,
    SaslMessage,
    SaslState,
)
from hadoop_client.security.credentials import Token
from hadoop_client.security.sasl import Offer
from hadoop_client.wire import Message, delimited, read_delimited
from tests.unit.hadoop_client.digest_server import DigestServer, Refused

AUTHORIZATION = "org.apache.hadoop.security.authorize.AuthorizationException"
STANDBY = "org.apache.hadoop.ipc.StandbyException"

#: A TCP state in Linux: our FIN was sent and is not acknowledged yet.
FIN_WAIT_1 = 4
STACK = "\n\tat org.apache.hadoop.ipc.Server.call(Server.java:1)\n\tat java.lang.Thread.run()"


@dataclass
class Call:
    """A call that has arrived."""

    side: ServerSide
    id: int
    method: str
    body: bytes

    def answer(self, response: Message) -> None:
        self.side.send(ResponseHeader(self.id), response)

    def refuse(self, exception_class: str, message: str, fatal: bool = False) -> None:
        status = RpcStatus.FATAL if fatal else RpcStatus.ERROR
        self.side.send(ResponseHeader(self.id, status, exception_class, message + STACK))

    def drop(self) -> None:
        self.side.dropped = True


Handler = Callable[[Call], None]

_bound = socket.socket()
_bound.bind(("127.0.0.1", 0))

#: An address that refuses connections: it is bound, so no other process gets it, but not served.
REFUSED: tuple[str, int] = _bound.getsockname()


@dataclass
class ServerSide:
    """The server's side of a connection: `receive` takes bytes, `flush` is given those to send."""

    handler: Handler
    flush: Callable[[bytes], None]
    token: Token | None = None
    qop: str = "auth"
    offers_challenge: bool = True
    refused_users: tuple[str, ...] = ()
    dropped: bool = False
    context: ConnectionContext | None = None
    client_id: bytes = b""
    _received: bytearray = field(default_factory=bytearray)
    _plain: bytearray = field(default_factory=bytearray)
    _digest: DigestServer | None = None
    _greeted: bool = False
    _logged_in: bool = False

    def receive(self, data: bytes) -> None:
        self._received += data
        if not self._greeted:
            if len(self._received) < 7:
                return
            preamble = bytes(self._received[:7])
            del self._received[:7]
            assert preamble[:6] == b"hrpc\x09\x00"
            assert preamble[6] == (0xDF if self.token else 0x00)
            self._greeted = True
            self._logged_in = self.token is None
        for frame in take_frames(self._received):
            if self._logged_in and not (self._digest and self._digest.receiving):
                self._packet(frame)
            else:
                self._sasl(frame)

    @property
    def is_encrypted(self) -> bool:
        """Whether the client's packets are encrypted."""
        receiving = self._digest.receiving if self._digest else None
        return receiving is not None and receiving.stream is not None

    def send(self, header: ResponseHeader, body: Message | None = None) -> None:
        packet = delimited(header.encode())
        if body is not None:
            packet += delimited(body.encode())
        packet = len(packet).to_bytes(4, "big") + packet
        if self._logged_in and self._digest and self._digest.sending:
            sealed = SaslMessage(SaslState.WRAP, self._digest.sending.seal(packet))
            packet = delimited(ResponseHeader(-33).encode()) + delimited(sealed.encode())
            packet = len(packet).to_bytes(4, "big") + packet
        self.flush(packet)

    def _sasl(self, frame: bytes) -> None:
        data, position = read_delimited(frame)
        header = RequestPacketHeader.decode(data)
        assert (header.call_id, header.client_id, header.retry_count) == (-33, b"", -1)
        sasl = SaslMessage.decode(read_delimited(frame, position)[0])
        try:
            self._negotiate(sasl)
        except Refused as error:
            name = "javax.security.sasl.SaslException"
            self.send(ResponseHeader(-33, RpcStatus.FATAL, name, str(error)))
            self.dropped = True

    def _negotiate(self, sasl: SaslMessage) -> None:
        if self._logged_in:
            assert sasl.state == SaslState.WRAP
            assert self._digest is not None
            assert self._digest.receiving is not None
            self._plain += self._digest.receiving.open(sasl.token or b"")
            for frame in take_frames(self._plain):
                self._packet(frame)
        elif sasl.state == SaslState.NEGOTIATE:
            self._digest = DigestServer(self._password_of, self.qop)
            challenge = self._digest.challenge() if self.offers_challenge else None
            kerberos = Offer("KERBEROS", "GSSAPI", "rm", "host")
            token = Offer("TOKEN", "DIGEST-MD5", "", "default", challenge)
            self.send(
                ResponseHeader(-33), SaslMessage(SaslState.NEGOTIATE, None, (kerberos, token))
            )
        elif sasl.state == SaslState.INITIATE and not sasl.token:
            assert self._digest is not None
            challenge = self._digest.challenge()
            self.send(ResponseHeader(-33), SaslMessage(SaslState.CHALLENGE, challenge))
        else:
            assert self._digest is not None
            if sasl.state == SaslState.INITIATE:
                assert sasl.offers == (Offer("TOKEN", "DIGEST-MD5", "", "default"),)
            proof = self._digest.respond(sasl.token or b"")
            self.send(ResponseHeader(-33), SaslMessage(SaslState.SUCCESS, proof))
            self._logged_in = True

    def _password_of(self, user: str) -> str | None:
        assert self.token is not None
        if base64.b64decode(user) != self.token.identifier:
            return None
        return base64.b64encode(self.token.password).decode()

    def _packet(self, frame: bytes) -> None:
        data, position = read_delimited(frame)
        header = RequestPacketHeader.decode(data)
        assert (header.kind, header.operation) == (2, 0)
        data, position = read_delimited(frame, position)
        if header.call_id == -3:
            self.client_id = header.client_id
            self._begin(ConnectionContext.decode(data))
            return
        assert self.context is not None
        assert header.client_id == self.client_id
        assert len(self.client_id) == 16
        request = RequestHeader.decode(data)
        assert (request.protocol, request.version) == (self.context.protocol, 1)
        body, position = read_delimited(frame, position)
        assert position == len(frame)
        self.handler(Call(self, header.call_id, request.method, body))

    def _begin(self, context: ConnectionContext) -> None:
        self.context = context
        user = context.user.effective_user if context.user else None
        if user in self.refused_users:
            real = context.user.real_user if context.user else None
            message = f"User: {real} is not allowed to impersonate {user}"
            self.send(ResponseHeader(-1, RpcStatus.FATAL, AUTHORIZATION, message))
            self.dropped = True


def take_frames(buffer: bytearray) -> list[bytes]:
    frames = []
    while len(buffer) >= 4 and len(buffer) - 4 >= int.from_bytes(buffer[:4], "big"):
        size = int.from_bytes(buffer[:4], "big")
        frames.append(bytes(buffer[4 : 4 + size]))
        del buffer[: 4 + size]
    return frames


class RpcServer:
    """`ServerSide` on a port of 127.0.0.1; a context manager. Counts its connections."""

    def __init__(self, handler: Handler, port: int = 0, **options: object) -> None:
        self._handler = handler
        self._options = options
        self._listener = socket.create_server(("127.0.0.1", port))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.connections = 0
        self.sides: list[ServerSide] = []
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> RpcServer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, and drop every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        self.drop_connections()
        for thread in self._threads:
            thread.join()

    def drop_connections(self) -> None:
        """Close every connection, and wait until each client has acknowledged that."""
        for sock in self._sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
                while sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == FIN_WAIT_1:
                    pass
                sock.shutdown(socket.SHUT_RD)

    def wait_for_ends(self) -> None:
        """Wait until the clients have closed every connection."""
        for thread in self._threads[1:]:
            thread.join(60)
            assert not thread.is_alive(), "a connection is still open"

    def reset_connections(self) -> None:
        """Reset every connection, as a server does that closes with unread data."""
        for sock in self._sockets:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.shutdown(socket.SHUT_RD)
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        side = ServerSide(self._handler, sock.sendall, **self._options)  # type: ignore[arg-type]
        self.sides.append(side)
        with sock, suppress(OSError):
            while not side.dropped and (data := sock.recv(65536)):
                side.receive(data)


@contextmanager
def silent_address() -> Iterator[tuple[str, int]]:
    """An address that neither accepts a connection nor refuses it, like a host that is gone."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # more than the queue holds
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()
