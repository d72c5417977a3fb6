"""Bytes of a server, for tests of connections without one."""

from __future__ import annotations

from hadoop_client.rpc.call import RpcError
from hadoop_client.rpc.connection import Connection, ResponseHeader, SaslMessage, SaslState
from hadoop_client.security.sasl import Offer
from hadoop_client.wire import Message, delimited


def receive(connection: Connection, data: bytes) -> list[tuple[int, bytes | RpcError]]:
    return list(connection.receive_data(data))


def frame(header: ResponseHeader, *parts: Message) -> bytes:
    packet = b"".join(delimited(part.encode()) for part in (header, *parts))
    return len(packet).to_bytes(4, "big") + packet


def sasl(state: SaslState, token: bytes | None = None, *offers: Offer) -> bytes:
    return frame(ResponseHeader(-33), SaslMessage(state, token, offers))
