"""Kernels of a server give other accounts nothing, and run nothing that lies beside a notebook."""

from __future__ import annotations

import asyncio
import json
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

from tests.unit.env_packaging.prefixes import write
from yarnspawner.lab.kernels import (
    RECONNECT_MS,
    connect_quickly,
    encrypt_connections,
    leave_out_working_directory,
    secure_specs,
)
from yarnspawner.launch.kernels import kernel_files

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


async def test_no_other_account_reads_what_a_kernel_of_another_environment_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, content in kernel_files("Other", f"{sys.prefix}/bin/python").items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "kernels"))

    def secure(kernels: AsyncMappingKernelManager) -> None:
        encrypt_connections(kernels)
        secure_specs(kernels.kernel_spec_manager)
        kernels.default_kernel_name = "yarnhub-other"

    async with kernel(tmp_path, secure) as (client, port):
        assert not await is_overheard(client, port, 3_000)


@pytest.mark.parametrize("own", [None, "", "{}", "[]", '{"metadata": {"debugger": true}}'])
def test_an_ipykernel_that_declares_no_encryption_is_not_asked_for_it(
    own: str | None, tmp_path: Path
) -> None:
    directory = tmp_path / "kernels" / "other"
    (spec,) = (
        content
        for path, content in kernel_files("Other", f"{tmp_path}/bin/python").items()
        if path.endswith("kernel.json")
    )
    write(directory / "kernel.json", spec.decode())
    if own is not None:
        write(tmp_path / "share/jupyter/kernels/python3/kernel.json", own)
    specs = KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")])
    secure_specs(specs)
    assert "supported_encryption" not in specs.get_kernel_spec("other").metadata


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
        secure_specs(kernels.kernel_spec_manager)

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


def test_the_variables_of_a_spec_look_up_nothing_in_the_kernels_directory(tmp_path: Path) -> None:
    spec = {"argv": ["julia"], "display_name": "Julia", "env": {"LD_LIBRARY_PATH": "/lib:"}}
    write(tmp_path / "kernels" / "julia" / "kernel.json", json.dumps(spec))
    specs = KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")])
    secure_specs(specs)
    assert specs.get_kernel_spec("julia").env == {"LD_LIBRARY_PATH": "/lib"}


def test_kernels_and_terminals_look_up_nothing_in_their_directory() -> None:
    variables = {"PATH": ":/bin::.", "PYTHONPATH": "/lib:", "LD_LIBRARY_PATH": "", "OTHER": ":"}
    leave_out_working_directory(variables)
    assert variables == {"PATH": "/bin", "PYTHONPATH": "/lib", "LD_LIBRARY_PATH": "", "OTHER": ":"}
