"""Hadoop RPC (version 9) without I/O: calls become bytes, and bytes become answers.

`blocking` and `aio` bring the sockets, encode requests and decode answers.

Source: org.apache.hadoop.ipc.Client and Server, org.apache.hadoop.security.SaslRpcClient,
RpcHeader.proto.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hadoop_client.rpc.call import Login, Method, Request, Response, RpcError
from hadoop_client.security.sasl import DigestMd5, Mechanism, MechanismFactory, Offer, SaslError
from hadoop_client.wire import (
    Message,
    OpenEnum,
    WireError,
    bytes_,
    delimited,
    enum,
    int32,
    message,
    read_delimited,
    repeated,
    sint32,
    string,
)

#: The defaults of ipc.maximum.data.length (a server's) and ipc.maximum.response.length (ours).
MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES = 64 << 20, 128 << 20

NO_SASL, SASL = 0x00, 0xDF
SASL_CALL_ID, CONTEXT_CALL_ID = -33, -3
PROTOBUF_KIND = 2


class TooLongError(WireError):
    """An answer is too long."""


class RpcStatus(OpenEnum):
    SUCCESS = 0
    ERROR = 1
    FATAL = 2


class SaslState(OpenEnum):
    SUCCESS = 0
    NEGOTIATE = 1
    INITIATE = 2
    CHALLENGE = 3
    RESPONSE = 4
    WRAP = 5


@dataclass(frozen=True)
class RequestPacketHeader(Message):
    kind: int = int32(1, PROTOBUF_KIND)
    operation: int = int32(2, 0)
    call_id: int = sint32(3, 0)
    client_id: bytes = bytes_(4, b"")
    retry_count: int = sint32(5, -1)


@dataclass(frozen=True)
class ResponseHeader(Message):
    call_id: int = int32(1, 0)
    status: RpcStatus = enum(2, RpcStatus, RpcStatus.SUCCESS)
    exception_class: str = string(4, "")
    error: str = string(5, "")


@dataclass(frozen=True)
class RequestHeader(Message):
    method: str = string(1, "")
    protocol: str = string(2, "")
    version: int = int32(3, 1)


@dataclass(frozen=True)
class SaslMessage(Message):
    state: SaslState = enum(2, SaslState, SaslState.SUCCESS)
    token: bytes | None = bytes_(3)
    offers: tuple[Offer, ...] = repeated(message(4, Offer))


@dataclass(frozen=True)
class UserInformation(Message):
    effective_user: str | None = string(1)
    real_user: str | None = string(2)


@dataclass(frozen=True)
class ConnectionContext(Message):
    user: UserInformation | None = message(2, UserInformation)
    protocol: str = string(3, "")


class Connection:
    """One connection of one login to one protocol, with any number of outstanding calls.

        call()           queues a call
        data_to_send()   returns the bytes to send
        receive_data()   yields the results of calls

    It logs in with SASL if there is a token, or `mechanisms` for the offers that no token fits. It
    then rejects a server that asks for no authentication.
    """

    def __init__(
        self, protocol: str, login: Login, mechanisms: MechanismFactory | None = None
    ) -> None:
        self._protocol = protocol
        self._login = login
        self._mechanisms = mechanisms
        self._mechanism: Mechanism | None = None
        self._method = "SIMPLE"
        self._client_id = os.urandom(16)
        self._last_id = -1
        self._outstanding: set[int] = set()
        self._waiting: list[bytes] = []
        self._received = bytearray()
        self._unwrapped = bytearray()
        use_sasl = login.token is not None or mechanisms is not None
        self._ready = False
        # Magic, version, service class, authentication protocol.
        self._out = bytearray(b"hrpc\x09\x00" + bytes([SASL if use_sasl else NO_SASL]))
        if use_sasl:
            self._send_sasl(SaslMessage(SaslState.NEGOTIATE))
        else:
            self._begin()

    def call(self, method: Method[Request, Response], request: bytes) -> int:
        """Queue a call and return its id."""
        self._last_id = (self._last_id + 1) & 0x7FFFFFFF
        header = RequestHeader(method.name, method.protocol)
        packet = self._packet(self._last_id, 0, header.encode(), request)
        if len(packet) > MAX_REQUEST_BYTES:
            raise WireError(f"a request of {len(packet)} bytes is longer than Hadoop allows")
        self._outstanding.add(self._last_id)
        if self._ready:
            self._send(packet)
        else:
            self._waiting.append(packet)
        return self._last_id

    def forget(self, call_id: int) -> None:
        """Ignore the call's answer."""
        self._outstanding.discard(call_id)

    def data_to_send(self) -> bytes:
        """Return the bytes to send now, once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive_data(self, data: bytes) -> Iterator[tuple[int, bytes | RpcError]]:
        """Yield each result with its call's id. Iterate to the end, then send `data_to_send`.

        A `SaslError`, a `WireError` or a fatal `RpcError` ends the connection. After a `SaslError`
        no call has been executed, because the login failed.
        """
        self._received += data
        for frame in _take_frames(self._received):
            if not self._ready:
                self._negotiate(self._read_sasl(frame))
            elif self._mechanism is None:
                yield from self._answers(frame)
            else:
                self._unwrapped += _unwrap(self._mechanism, self._read_sasl(frame).token or b"")
                for inner in _take_frames(self._unwrapped):
                    yield from self._answers(inner)

    def _packet(self, call_id: int, retry_count: int, *parts: bytes) -> bytes:
        client_id = b"" if call_id == SASL_CALL_ID else self._client_id
        header = RequestPacketHeader(call_id=call_id, client_id=client_id, retry_count=retry_count)
        packet = b"".join(delimited(part) for part in (header.encode(), *parts))
        return len(packet).to_bytes(4, "big") + packet

    def _send(self, packet: bytes) -> None:
        if self._mechanism is None:
            self._out += packet
        else:
            self._send_sasl(SaslMessage(SaslState.WRAP, self._mechanism.wrap(packet)))

    def _send_sasl(self, sasl: SaslMessage) -> None:
        self._out += self._packet(SASL_CALL_ID, -1, sasl.encode())

    def _begin(self) -> None:
        """Send the connection's context and the waiting calls."""
        self._ready = True
        user = None
        if self._method == "SIMPLE":
            user = UserInformation(self._login.user, self._login.real_user)
        elif self._method != "TOKEN" and self._login.real_user is not None:
            # The server knows the real user; naming it here would request impersonation of it.
            user = UserInformation(self._login.user)
        context = ConnectionContext(user, self._protocol)
        for packet in (self._packet(CONTEXT_CALL_ID, -1, context.encode()), *self._waiting):
            self._send(packet)
        self._waiting.clear()

    def _read_sasl(self, frame: bytes) -> SaslMessage:
        header, position = _read_header(frame)
        if header.call_id != SASL_CALL_ID:
            raise WireError("the server sent another message during the login")
        return SaslMessage.decode(read_delimited(frame, position)[0])

    # Start --NEGOTIATE / INITIATE--> Login --SUCCESS / context, waiting calls--> Ready
    #                                 ^   |
    #                                 +---+ CHALLENGE / RESPONSE
    #
    # Edges: the server's message / the reply. Any other message fails the login.
    def _negotiate(self, sasl: SaslMessage) -> None:
        if sasl.state == SaslState.NEGOTIATE and self._mechanism is None:
            offer, self._mechanism = self._choose(sasl.offers)
            self._method = offer.method
            first = self._mechanism.step(offer.challenge)
            chosen = replace(offer, challenge=None)
            self._send_sasl(SaslMessage(SaslState.INITIATE, first, (chosen,)))
        elif sasl.state == SaslState.CHALLENGE and self._mechanism is not None:
            answer = self._mechanism.step(sasl.token or b"")
            self._send_sasl(SaslMessage(SaslState.RESPONSE, answer))
        elif sasl.state == SaslState.SUCCESS and self._mechanism is not None:
            if sasl.token is not None:
                self._mechanism.step(sasl.token)
            if not self._mechanism.complete:  # authentication is mutual
                raise SaslError("the server ended the login without proving its identity")
            if not self._mechanism.layered:
                self._mechanism = None
            self._begin()
        else:
            raise SaslError(f"the server sent {sasl.state.name} unexpectedly")

    def _choose(self, offers: Sequence[Offer]) -> tuple[Offer, Mechanism]:
        token = self._login.token
        for offer in offers:
            if token is not None and (offer.method, offer.mechanism) == ("TOKEN", "DIGEST-MD5"):
                return offer, DigestMd5.for_token(token, offer, self._login.protections)
            if self._mechanisms is not None:
                mechanism = self._mechanisms(offer)
                if mechanism is not None:
                    return offer, mechanism
        methods = ", ".join(offer.method for offer in offers) or "nothing"
        raise SaslError(f"no common authentication method: the server offers {methods}")

    def _answers(self, frame: bytes) -> Iterator[tuple[int, bytes | RpcError]]:
        header, position = _read_header(frame)
        if header.call_id not in self._outstanding:
            return
        self._outstanding.remove(header.call_id)
        if header.status != RpcStatus.SUCCESS:
            yield header.call_id, RpcError(header.exception_class, header.error)
        else:
            yield header.call_id, read_delimited(frame, position)[0]


def _take_frames(buffer: bytearray) -> Iterator[bytes]:
    """Remove the complete frames from the front of the buffer."""
    while len(buffer) >= 4:
        size = int.from_bytes(buffer[:4], "big")
        if size > MAX_RESPONSE_BYTES:
            raise TooLongError(f"{size} bytes are longer than Hadoop allows")
        if len(buffer) < 4 + size:
            return
        with memoryview(buffer) as view:  # copies once, not twice
            frame = bytes(view[4 : 4 + size])
        del buffer[: 4 + size]
        yield frame


def _unwrap(mechanism: Mechanism, protected: bytes) -> bytes:
    try:
        return mechanism.unwrap(protected)
    except SaslError as error:
        # The login has succeeded and calls may have been executed, unlike after a `SaslError`.
        raise WireError(str(error)) from error


def _read_header(frame: bytes) -> tuple[ResponseHeader, int]:
    """Return a response's header and its end; raises an error that is the whole connection's."""
    data, position = read_delimited(frame)
    header = ResponseHeader.decode(data)
    fatal = header.status == RpcStatus.FATAL
    if fatal or (header.call_id < 0 and header.status != RpcStatus.SUCCESS):
        raise RpcError(header.exception_class, header.error, fatal=True)
    return header, position
