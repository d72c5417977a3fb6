"""A ResourceManager with recorded answers, in another process.

All of its applications run. The caller's tag has their number; without a tag it is the number given
at the start. Each report was sent by a real ResourceManager (Hadoop 3.4.2) for a running server,
and differs only in the application's number. The answers are computed in advance, so that a
benchmark measures the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from typing import TYPE_CHECKING

from benchmarks.rpc_service import SPAWN, service_process, start_service
from hadoop_client.rpc.call import Address
from hadoop_client.wire import delimited, encode_varint
from hadoop_client.yarn.records import ApplicationId, ApplicationState
from hadoop_client.yarn.reports import ApplicationReport
from hadoop_client.yarn.resourcemanager import GetApplicationReportRequest, GetApplicationsRequest

if TYPE_CHECKING:
    from multiprocessing.connection import Connection as Pipe

#: Numbers from here on are encoded in two bytes, as in the recording.
FIRST_ID = 128
REPORT = (
    "0a0a08{id}10b7d2dfcda0341205616c6963651a0c726f6f742e64656661756c7422106a7570797465726875"
    "622d616c6963652a02766d30f1da0340054a3c687474703a2f2f6c6f63616c686f73743a31313235342f7072"
    "6f78792f6170706c69636174696f6e5f313739353435393337373436335f303030312f5200588d8fe0cda034"
    "6000680072d301080110001a2b08800810011a140a096d656d6f72792d6d621080081a024d6920001a0e0a06"
    "76636f72657310011a0020002229080010001a130a096d656d6f72792d6d6210001a024d6920001a0e0a0676"
    "636f72657310001a0020002a2b08800810011a140a096d656d6f72792d6d621080081a024d6920001a0e0a06"
    "76636f72657310011a00200030a731380645fa82be414d5655854150005800620e0a096d656d6f72792d6d62"
    "10a731620a0a0676636f72657310066a0d0a096d656d6f72792d6d6210006a0a0a0676636f72657310007a03"
    "4e2f4182010e0a0a08{id}10b7d2dfcda03410018d01000000009201077961726e687562a201187961726e68"
    "75622d30313233343536373839616263646566a2011f7961726e6875622d7365727665722d30313233343536"
    "373839616263646566a80101b00100ba01020800c201093c4e6f74207365743eca01133c44454641554c545f"
    "504152544954494f4e3ed2011c0801121808011209554e4c494d4954454418ffffffffffffffffff01d801f1"
    "9ae0cda034"
)


@dataclass(frozen=True)
class RecordedResourceManager:
    """Its address, and the number of calls to it."""

    address: Address
    _calls: Synchronized[int]

    @property
    def calls(self) -> int:
        """The calls so far, of any method."""
        return self._calls.value


def tag_for(count: int) -> str:
    """Return the tag of `count` applications."""
    return f"servers-{count}"


def report_of(number: int) -> bytes:
    """Return the recorded report for the application with this number."""
    return bytes.fromhex(REPORT.replace("{id}", encode_varint(number).hex()))


RECORDED = ApplicationReport.decode(report_of(FIRST_ID))
CLUSTER_TIMESTAMP = RECORDED.application_id.cluster_timestamp


def application_ids(count: int) -> list[str]:
    """Return the ids of the applications with the tag for `count`."""
    return [str(ApplicationId(FIRST_ID + n, CLUSTER_TIMESTAMP)) for n in range(count)]


@contextmanager
def recorded_resourcemanager(applications: int) -> Iterator[RecordedResourceManager]:
    """Run one inside the context; it lists `applications` to callers without a tag."""
    calls = SPAWN.Value("q")
    with service_process(_serve, calls, applications) as address:
        yield RecordedResourceManager(address, calls)


def _serve(parent: Pipe, calls: Synchronized[int], applications: int) -> None:
    asyncio.run(_Server(calls, applications).run(parent))


class _Server:
    def __init__(self, calls: Synchronized[int], applications: int) -> None:
        self._calls = calls
        self._applications = applications
        self._lists: dict[int, bytes] = {}

    async def run(self, parent: Pipe) -> None:
        server = await start_service(self._answer)
        parent.send(server.sockets[0].getsockname())
        await server.serve_forever()

    def _answer(self, user: str, method: str, body: bytes) -> bytes:
        with self._calls.get_lock():
            self._calls.value += 1
        if method == "getApplicationReport":
            application = GetApplicationReportRequest.decode(body).application_id
            return b"\x0a" + delimited(report_of(application.id))
        assert method == "getApplications", method
        request = GetApplicationsRequest.decode(body)
        states, tags = request.application_states, request.application_tags
        if states and ApplicationState.RUNNING not in states:
            return b""
        return self._list(int(tags[0].rpartition("-")[2]) if tags else self._applications)

    def _list(self, count: int) -> bytes:
        if count not in self._lists:
            reports = (report_of(FIRST_ID + number) for number in range(count))
            self._lists[count] = b"".join(b"\x0a" + delimited(report) for report in reports)
        return self._lists[count]
