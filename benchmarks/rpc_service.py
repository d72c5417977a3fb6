"""The server's side of Hadoop RPC without security, for clusters that a benchmark makes up."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hadoop_client.rpc.call import Address, RpcError
from hadoop_client.rpc.connection import (
    CONTEXT_CALL_ID,
    ConnectionContext,
    RequestHeader,
    RequestPacketHeader,
    ResponseHeader,
    RpcStatus,
)
from hadoop_client.wire import delimited, read_delimited

#: How services get a process of their own, so that their work does not count as the client's.
SPAWN = multiprocessing.get_context("spawn")

#: Takes the user of the connection, a method and the encoded request; returns the encoded response.
#: It refuses a call with an `RpcError`.
Answer = Callable[[str, str, bytes], bytes]


@contextmanager
def service_process(target: Callable[..., None], *arguments: object) -> Iterator[Any]:
    """Call `target` with a pipe and the arguments in another process; yields what it sends first.

    The process ends with the context.
    """
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def write_yarn_site(folder: Path, resourcemanager: Address) -> None:
    """Write the configuration of a Hadoop that has only a ResourceManager."""
    host, port = resourcemanager
    (folder / "yarn-site.xml").write_text(
        "<configuration><property><name>yarn.resourcemanager.address</name>"
        f"<value>{host}:{port}</value></property></configuration>"
    )


async def start_service(answer: Answer) -> asyncio.Server:
    """Start a service on a port of 127.0.0.1."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await _converse(answer, reader, writer)
        writer.close()

    return await asyncio.start_server(converse, "127.0.0.1", 0)


async def _converse(
    answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer the calls of a connection until its client closes it."""
    user = ""
    await reader.readexactly(len(b"hrpc") + 3)
    while True:
        frame = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        data, position = read_delimited(frame)
        call = RequestPacketHeader.decode(data).call_id
        data, position = read_delimited(frame, position)
        if call == CONTEXT_CALL_ID:
            context = ConnectionContext.decode(data)
            user = (context.user and context.user.effective_user) or ""
        if call < 0:
            continue  # The connection's context, or a ping.
        method = RequestHeader.decode(data).method
        try:
            body = delimited(answer(user, method, read_delimited(frame, position)[0]))
            header = ResponseHeader(call)
        except RpcError as error:
            body, header = (
                b"",
                ResponseHeader(call, RpcStatus.ERROR, error.exception_class, error.message),
            )
        packet = delimited(header.encode()) + body
        writer.write(len(packet).to_bytes(4, "big") + packet)
        await writer.drain()
