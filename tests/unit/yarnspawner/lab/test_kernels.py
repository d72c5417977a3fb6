"""Kernels of a server give other accounts nothing, and run nothing that lies beside a notebook."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets.config import Config

from yarnspawner.lab.kernels import (
    RECONNECT_MS,
    connect_quickly,
    encrypt_connections,
    import_nothing_beside_notebooks,
    without_directory,
)

#: Subscribes to the output of a kernel, as any account of the node can; prints what comes first.
LISTEN = """
import sys, zmq
socket = zmq.Context().socket(zmq.SUB)
socket.setsockopt(zmq.SUBSCRIBE, b"")
socket.connect(f"tcp://127.0.0.1:{sys.argv[1]}")
print("listening", flush=True)
print(socket.poll(int(sys.argv[2])), flush=True)
"""


@asynccontextmanager
async def kernel(
    root: Path, *protections: Callable[[Any], None]
) -> AsyncIterator[tuple[AsyncKernelClient, int]]:
    """A kernel of a server that starts in `root`: a client, and the port of its output."""
    kernels = AsyncMappingKernelManager(root_dir=str(root), kernel_spec_manager=KernelSpecManager())
    for protect in protections:
        protect(kernels)
    manager = kernels.get_kernel(await kernels.start_kernel(path="/"))
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=120)
        yield client, manager.iopub_port
    finally:
        client.stop_channels()
        await kernels.shutdown_all(now=True)


async def is_overheard(client: AsyncKernelClient, port: int, wait_ms: int) -> bool:
    """Return whether a listener that has no key receives what the kernel prints."""
    command = [sys.executable, "-c", LISTEN, str(port), str(wait_ms)]
    listener = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert listener.stdout is not None
    assert await listener.stdout.readline() == b"listening\n"
    events = asyncio.create_task(listener.stdout.readline())
    while not events.done():  # it connects in the background
        await client.execute_interactive("print(1)", timeout=60, output_hook=lambda _: None)
    await listener.wait()
    return await events != b"0\n"


async def test_no_other_account_reads_what_a_kernel_prints(tmp_path: Path) -> None:
    async with kernel(tmp_path) as (client, port):
        assert await is_overheard(client, port, 60_000)
    async with kernel(tmp_path, encrypt_connections) as (client, port):
        assert not await is_overheard(client, port, 3_000)


async def test_a_server_soon_tries_again_to_connect_to_a_kernel(tmp_path: Path) -> None:
    kernels = AsyncMappingKernelManager(root_dir=str(tmp_path))
    connect_quickly(kernels)
    manager = kernels.kernel_manager_factory(kernel_name="python3")
    for stream in (manager.connect_iopub(), manager.connect_shell()):
        assert stream.socket.getsockopt(zmq.RECONNECT_IVL) == RECONNECT_MS
        stream.close()


async def test_no_module_beside_a_notebook_runs_when_its_kernel_starts(tmp_path: Path) -> None:
    """Python imports importlib to run a module, so the directory must not be on the path then."""
    (tmp_path / "importlib.py").write_text("open('sprung', 'w').close()")
    (tmp_path / "beside.py").write_text("VALUE = 42")
    printed = []

    def protect(kernels: AsyncMappingKernelManager) -> None:
        import_nothing_beside_notebooks(kernels.kernel_spec_manager)

    async with kernel(tmp_path, protect) as (client, _):
        reply = await client.execute_interactive(
            "import beside; print(beside.VALUE)",
            timeout=60,
            output_hook=lambda message: printed.append(message["content"].get("text")),
        )
    assert not (tmp_path / "sprung").exists()
    assert reply["content"]["status"] == "ok"
    assert "42\n" in printed


def test_a_configured_encryption_stays() -> None:
    config = Config({"MappingKernelManager": {"transport_encryption": "disabled"}})
    kernels = AsyncMappingKernelManager(config=config)
    encrypt_connections(kernels)
    assert kernels.transport_encryption == "disabled"


def test_a_manager_without_the_options_is_left_as_it_is() -> None:
    encrypt_connections(KernelSpecManager())
    connect_quickly(KernelSpecManager())


@pytest.mark.parametrize(
    "argv",
    [
        ["/opt/julia", "-i", "kernel.jl"],
        ["python", "kernel.py"],
        ["Rscript", "-m", "ipykernel"],
        ["python3", "-m"],
        [],
    ],
)
def test_other_commands_stay(argv: list[str]) -> None:
    assert without_directory(argv) == argv


@pytest.mark.parametrize("python", ["python", "/env/bin/python3", "/usr/bin/python3.11"])
def test_a_module_gets_its_arguments(python: str, tmp_path: Path) -> None:
    (tmp_path / "this_module.py").write_text("import sys; print(sys.argv[1:], __name__)")
    command = without_directory([python, "-m", "this_module", "-f", "a b"])
    done = subprocess.run(
        [sys.executable, *command[1:]],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert command[0] == python
    assert done.stdout == "['-f', 'a b'] __main__\n"
