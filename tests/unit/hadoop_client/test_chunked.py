"""A large answer decodes in chunks to the same message, and other tasks run in between."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.rpc.chunked import decode, split_fields
from hadoop_client.wire import WireError
from hadoop_client.yarn.reports import NodeId, NodeReport
from hadoop_client.yarn.resourcemanager import GetClusterNodesResponse
from tests.unit.hadoop_client.test_wire import Everything, messages

sizes = st.integers(1, 200)


@given(st.lists(messages, max_size=3), sizes)
def test_a_message_decoded_in_chunks_is_the_message(parts: list[Everything], size: int) -> None:
    data = b"".join(part.encode() for part in parts)
    assert asyncio.run(decode(Everything, data, size)) == Everything.decode(data)


@given(st.binary() | messages.map(Everything.encode), sizes)
def test_the_chunks_are_the_whole(data: bytes, size: int) -> None:
    assert b"".join(split_fields(data, size)) == data


@given(messages, st.data(), sizes)
def test_a_damaged_message_decoded_in_chunks_is_a_message_or_a_wire_error(
    original: Everything, data: st.DataObject, size: int
) -> None:
    damaged = bytearray(original.encode() + b"\x0a\x01x")
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(WireError):
        assert isinstance(asyncio.run(decode(Everything, bytes(damaged), size)), Everything)


def nodes(count: int) -> GetClusterNodesResponse:
    return GetClusterNodesResponse(
        tuple(NodeReport(NodeId(f"node{number}", 45454)) for number in range(count))
    )


async def test_a_list_that_is_cut_short_is_a_wire_error() -> None:
    with pytest.raises(WireError):
        await decode(GetClusterNodesResponse, nodes(100).encode()[:-1], 50)


async def test_other_tasks_run_while_a_long_list_is_decoded() -> None:
    data = nodes(1000).encode()
    turns = 0

    async def work() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    worker = asyncio.create_task(work())
    answer = await decode(GetClusterNodesResponse, data, len(data) // 20)
    worker.cancel()
    assert answer == nodes(1000)
    assert turns >= 20
