"""Notebooks in HDFS, against the bare HDFS client and jupyter_server's manager on a local disk.

All use one embedded Hadoop with three replicas, and alternate in each round. Metrics:

- `list_vs_raw`: the time to list a directory of 10,000 files, to the client's bare list_status;
- `list_vs_local`: the local manager's time for it, to ours;
- `save_vs_raw_ms`: the time to save a notebook of 20 KB, less that of a bare create and rename;
- `save_5mb_vs_local`: the time to save one of 5 MB, to the local manager's and a bare write's;
- `read_vs_raw_ms` and `read_5mb_vs_local`: the same for reads;
- `upload_vs_raw`: the time to upload 1 GB in parts of 1 MB, to that of one bare writer;
- `download_first_byte_ms` and `download_mb_s`: a download of that file;
- `answered_ms`: the slowest response to other requests during it;
- `memory_mb`: the most memory that an upload or a download adds;
- `loop_gap_ms`: the longest time for which the event loop was blocked.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import time
from base64 import encodebytes
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hdfs_native
import httpx
import psutil
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from rich.console import Console

from benchmarks.frame import Result, Times, difference, samples_of
from hdfs_contents import HDFSContentsManager
from hdfs_contents.models import SentModel
from tests.hadoop.contents.notebook_server import running
from yarnhub.minihadoop import MiniHadoop

ENTRIES = 10_000
PARTS = 1024
PART = os.urandom(1024 * 1024)
ROUNDS = 7
LARGE_ROUNDS = 3
ROOT = "/user/alice/benchmark"


def run(console: Console) -> Result:
    """Measure everything, in about four minutes."""
    with (
        console.status("Starting an embedded Hadoop") as status,
        tempfile.TemporaryDirectory() as temporary,
    ):
        folder = Path(temporary)
        with MiniHadoop(nodemanagers=1, users=("alice",), progress=status.update) as hadoop:
            os.environ.update(hadoop.env(), HADOOP_USER_NAME="alice")
            for kind in ("CONFIG", "DATA", "RUNTIME"):
                os.environ[f"JUPYTER_{kind}_DIR"] = str(folder / kind)
            in_process = asyncio.run(measure_managers(folder, status.update))
            status.update("Downloading 1 GB")
            downloads = measure_download(hadoop, folder)
    return result({**in_process, **downloads})


def result(times: Times) -> Result:
    """Compute the metrics from the samples."""
    samples = samples_of(times)

    def median(name: str) -> float:
        return samples[name].median

    return Result(
        tuple(samples.values()),
        {
            "list_vs_raw": median("list ms") / median("list, raw ms"),
            "list_vs_local": median("list, local ms") / median("list ms"),
            "save_vs_raw_ms": difference(samples["save 20 KB ms"], samples["save 20 KB, raw ms"]),
            "save_5mb_vs_local": median("save 5 MB ms")
            / (median("save 5 MB, local ms") + median("save 5 MB, raw ms")),
            "read_vs_raw_ms": difference(samples["read 20 KB ms"], samples["read 20 KB, raw ms"]),
            "read_5mb_vs_local": median("read 5 MB ms") / median("read 5 MB, local ms"),
            "upload_vs_raw": median("upload s") / median("upload, raw s"),
            "download_first_byte_ms": median("download, first byte ms"),
            "download_mb_s": PARTS / median("download s"),
            "answered_ms": max(samples["other requests ms"].values),
            "memory_mb": max(times["upload, memory MB"] + times["download, memory MB"]),
            "loop_gap_ms": max(samples["loop gap ms"].values),
        },
    )


async def measure_managers(folder: Path, status: Callable[[str], None]) -> Times:
    """Measure the managers in this process, without HTTP."""
    client = hdfs_native.Client()
    ours = HDFSContentsManager(root_dir=ROOT)
    local: Any = AsyncLargeFileManager(root_dir=str(folder))
    times: Times = {}

    async def timed(name: str, call: Callable[[], Awaitable[Any]]) -> None:
        began = time.perf_counter()
        await call()
        seconds = time.perf_counter() - began
        times.setdefault(name, []).append(seconds * (1000 if name.endswith("ms") else 1))

    status(f"Making {ENTRIES:,} files")
    await asyncio.to_thread(make_files, client, folder)
    status("Listing")
    await ours.get("many")
    gc.freeze()  # As each server does when it starts.
    for _ in range(ROUNDS):
        await timed("list, raw ms", lambda: asyncio.to_thread(list_raw, client))
        async with loop_gap(times, "loop gap ms"):
            await timed("list ms", lambda: ours.get("many"))
        await timed("list, local ms", lambda: local.get("many"))
    for size, name in ((20_000, "20 KB"), (5_000_000, "5 MB")):
        status(f"Saving and reading {name}")
        for round in range(ROUNDS):
            await measure_notebook(client, ours, local, f"{round}-{size}", size, name, timed, times)
    for round in range(LARGE_ROUNDS):
        status(f"Uploading 1 GB, round {round + 1} of {LARGE_ROUNDS}")
        await timed("upload, raw s", lambda: asyncio.to_thread(upload_raw, client))
        async with loop_gap(times, "loop gap ms"):
            await timed("upload s", lambda: upload(ours, times))
    return times


async def measure_notebook(
    client: hdfs_native.Client,
    ours: HDFSContentsManager,
    local: Any,
    path: str,
    size: int,
    name: str,
    timed: Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[None]],
    times: Times,
) -> None:
    """Save and read one notebook with each manager. Its first save makes a checkpoint too."""
    raw, path = f"{ROOT}/raw-{path}", f"{path}.ipynb"
    our_model, local_model, data = notebook(size), notebook(size), b"x" * size
    await timed(f"save {name}, raw ms", lambda: asyncio.to_thread(write_raw, client, raw, data))
    async with loop_gap(times, "loop gap ms"):
        await ours.save(our_model, path)
        await timed(f"save {name} ms", lambda: ours.save(our_model, path))
        await timed(f"read {name} ms", lambda: ours.get(path))
    await timed(f"read {name}, raw ms", lambda: asyncio.to_thread(read_raw, client, raw))
    await local.save(local_model, path)
    await timed(f"save {name}, local ms", lambda: local.save(local_model, path))
    await timed(f"read {name}, local ms", lambda: local.get(path))


def make_files(client: hdfs_native.Client, folder: Path) -> None:
    """Make a directory of small files, in HDFS and on the local disk."""
    names = [f"file-{number:05}.{('ipynb', 'txt', 'csv')[number % 3]}" for number in range(ENTRIES)]
    client.mkdirs(f"{ROOT}/many", 0o755, True)
    (folder / "many").mkdir()

    def make(name: str) -> None:
        client.create(f"{ROOT}/many/{name}").close()
        (folder / "many" / name).touch()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make, names))


def notebook(size: int) -> SentModel:
    """Return a notebook of about `size` bytes with long outputs."""
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "0.1234567890 " * 70} for _ in range(4)
    ]
    cells = [
        {
            **{"cell_type": "code", "id": f"cell-{number}", "metadata": {}},
            **{"source": "print(table)\n" * 10, "outputs": outputs, "execution_count": number},
        }
        for number in range(max(size // 4200, 1))
    ]
    content = {"metadata": {}, "nbformat": 4, "nbformat_minor": 5, "cells": cells}
    return {"type": "notebook", "format": "json", "content": content}


def list_raw(client: hdfs_native.Client) -> None:
    """List with the client alone, and read each entry."""
    for entry in client.list_status(f"{ROOT}/many"):
        entry.path  # noqa: B018


def write_raw(client: hdfs_native.Client, path: str, data: bytes) -> None:
    """Write a temporary file and rename it, with the client alone."""
    with client.create(f"{path}.tmp") as file:
        file.write(data)
    client.rename(f"{path}.tmp", path, True)


def read_raw(client: hdfs_native.Client, path: str) -> bytes:
    with client.read(path) as file:
        return file.read()


def upload_raw(client: hdfs_native.Client) -> None:
    """Write 1 GB with one open writer, and delete it."""
    with client.create(f"{ROOT}/raw") as file:
        for _ in range(PARTS):
            file.write(PART)
    client.delete(f"{ROOT}/raw")


async def upload(manager: HDFSContentsManager, times: Times) -> None:
    """Upload the parts one after another, as a browser does."""
    content = encodebytes(PART).decode()
    pid = os.getpid()
    before = most = resident_mb(pid)
    for number in (*range(1, PARTS), -1):
        model: SentModel = {
            "type": "file",
            "format": "base64",
            "content": content,
            "chunk": number,
        }
        await manager.save(model, "uploaded")
        most = max(most, resident_mb(pid))
    times.setdefault("upload, memory MB", []).append(most - before)


class loop_gap:
    """Measures the longest time for which the event loop was blocked, inside the context."""

    def __init__(self, times: Times, name: str) -> None:
        self._gaps = times.setdefault(name, [])

    async def __aenter__(self) -> None:
        self._longest = 0.0
        self._ticking = asyncio.create_task(self._tick())
        await asyncio.sleep(0)

    async def __aexit__(self, *_: object) -> None:
        self._ticking.cancel()
        self._gaps.append(self._longest * 1000)

    async def _tick(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            self._longest = max(self._longest, time.perf_counter() - before - 0.001)


def measure_download(hadoop: MiniHadoop, folder: Path) -> Times:
    """Download the uploaded file from a notebook server, and send it other requests."""
    times: Times = {}
    server_folder = folder / "server"
    server_folder.mkdir()
    with running(hadoop, server_folder, wait, root=ROOT) as client:
        pid = int(next((server_folder / "RUNTIME").glob("jpserver-*.json")).stem.split("-")[1])
        for _ in range(LARGE_ROUNDS):
            for name, values in download(client, pid).items():
                times.setdefault(name, []).extend(values)
    return times


def download(client: httpx.Client, pid: int) -> Times:
    """Return the times of one download, and of other requests during it."""
    answered: list[float] = []
    before = most = resident_mb(pid)
    with ThreadPoolExecutor(1) as other:
        began = time.perf_counter()
        with client.stream("GET", "/files/uploaded") as response:
            chunks = response.iter_raw(1024 * 1024)
            next(chunks)
            first = time.perf_counter() - began
            request = other.submit(time_request, client)
            for chunk in chunks:
                if request.done():
                    answered.append(request.result() * 1000)
                    most = max(most, resident_mb(pid))
                    request = other.submit(time_request, client)
                del chunk
        seconds = time.perf_counter() - began
    return {
        "download, first byte ms": [first * 1000],
        "download s": [seconds],
        "download, memory MB": [most - before],
        "other requests ms": answered,
    }


def time_request(client: httpx.Client) -> float:
    """Return the seconds that a small request takes."""
    began = time.perf_counter()
    assert client.get("/api/status").is_success
    return time.perf_counter() - began


def wait(predicate: Callable[[], object], timeout: float, description: str) -> None:
    """Wait until the predicate is true."""
    deadline = time.monotonic() + timeout
    while not predicate():
        assert time.monotonic() < deadline, description
        time.sleep(0.05)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, in MB."""
    return psutil.Process(pid).memory_info().rss / 1e6
