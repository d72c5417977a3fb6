"""The record of each call, and what it never contains."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import fields

import pytest

from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import Login, RpcError
from hadoop_client.rpc.trace import CONNECT, CallRecord
from hadoop_client.security.credentials import Credentials, Token
from hadoop_client.yarn.records import ApplicationSubmissionContext, ContainerLaunchContext
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    SUBMIT_APPLICATION,
    KillApplicationResponse,
    SubmitApplicationRequest,
    SubmitApplicationResponse,
)
from tests.unit.hadoop_client.handlers import Holder, standby
from tests.unit.hadoop_client.hub_calls import answer, kill, number_of
from tests.unit.hadoop_client.rpc_server import REFUSED, Call, RpcServer

LOGIN = Login("alice", "hub")


async def test_each_connection_and_each_attempt_has_a_record_with_its_outcome() -> None:
    def refuse_odd(call: Call) -> None:
        answer(call) if number_of(call) % 2 == 0 else call.refuse("a.b.OddException", "odd")

    records: list[CallRecord] = []
    with RpcServer(standby) as first, RpcServer(refuse_odd) as second:
        addresses = REFUSED, first.address, second.address
        client = AsyncClient(addresses, APPLICATION_CLIENT_PROTOCOL, LOGIN, on_call=records.append)
        await kill(client, 2)
        with pytest.raises(RpcError, match="odd"):
            await kill(client, 1)
        await client.close()
    assert {(record.user, record.real_user) for record in records} == {("alice", "hub")}
    assert all(record.seconds >= 0 for record in records)
    assert [(record.method, record.address, record.outcome) for record in records] == [
        (CONNECT, REFUSED, "ConnectionRefusedError"),
        (CONNECT, first.address, "ok"),
        ("forceKillApplication", first.address, "StandbyException"),
        (CONNECT, second.address, "ok"),
        ("forceKillApplication", second.address, "ok"),
        ("forceKillApplication", second.address, "OddException"),
    ]
    assert records[4].received == len(KillApplicationResponse(True).encode())
    assert records[4].sent > 0


async def test_the_log_has_one_json_object_per_record_and_no_payload(
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = Token(b"the-identifier", b"the-password", "RM_DELEGATION_TOKEN", "")
    secrets = Credentials(tokens={}, secrets={"payload": b"the-secret"}).to_bytes()
    launch = ContainerLaunchContext(tokens=secrets, command=("the-command",))
    request = SubmitApplicationRequest(ApplicationSubmissionContext(am_container_spec=launch))
    with (
        caplog.at_level(logging.DEBUG, "yarnspawner.rpc"),
        RpcServer(lambda call: call.answer(SubmitApplicationResponse()), token=token) as server,
    ):
        client = AsyncClient([server.address], APPLICATION_CLIENT_PROTOCOL, Login(token=token))
        await client.call(SUBMIT_APPLICATION, request)
        await client.close()
    messages = [
        record.getMessage() for record in caplog.records if record.name == "yarnspawner.rpc"
    ]
    lines = [json.loads(message) for message in messages]
    assert [line["method"] for line in lines] == [CONNECT, "submitApplication"]
    assert set(lines[1]) == {field.name for field in fields(CallRecord)}
    assert lines[1]["address"] == "{}:{}".format(*server.address)
    assert lines[1]["sent"] == len(request.encode())
    assert "the-" not in caplog.text


async def test_a_cancelled_call_is_recorded_as_abandoned() -> None:
    records: list[CallRecord] = []
    holder = Holder()
    with RpcServer(holder) as server:
        client = AsyncClient(
            [server.address], APPLICATION_CLIENT_PROTOCOL, LOGIN, on_call=records.append
        )
        call = asyncio.ensure_future(kill(client))
        await holder.arrived()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await client.close()
    assert [record.outcome for record in records] == ["ok", "abandoned"]
