"""A kernel that computes without output is activity; a kernel that waits is not."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from yarnspawner.lab.activity import SETTING, note_busy_kernel

#: Computes without output until a file exists.
SILENT = "import os, time\nwhile not os.path.exists({file!r}): time.sleep(0.02)"


async def state(manager: Any, wanted: str) -> None:
    """Wait until jupyter_server has seen a state of a kernel."""
    deadline = time.monotonic() + 120
    while manager.execution_state != wanted:
        assert time.monotonic() < deadline, f"a kernel that is {wanted}"
        await asyncio.sleep(0.02)


async def is_heard(manager: Any, client: Any) -> None:
    """Wait until jupyter_server hears the kernel, which it may not have when it spoke first."""
    deadline = time.monotonic() + 120
    while manager.execution_state == "starting":
        assert time.monotonic() < deadline, "a kernel that is heard"
        client.kernel_info()
        await asyncio.sleep(0.05)


async def test_a_silent_cell_is_activity_until_it_ends(tmp_path: Path) -> None:
    kernels = AsyncMappingKernelManager(
        root_dir=str(tmp_path), kernel_spec_manager=KernelSpecManager()
    )
    settings: dict[str, Any] = {}
    note_busy_kernel(settings, kernels)
    manager = kernels.get_kernel(await kernels.start_kernel(path="/"))
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=120)
        await is_heard(manager, client)
        await state(manager, "idle")
        note_busy_kernel(settings, kernels)
        assert settings == {}
        client.execute(SILENT.format(file=str(tmp_path / "end")))
        await state(manager, "busy")
        before = datetime.now(timezone.utc)
        note_busy_kernel(settings, kernels)
        assert settings.pop(SETTING) >= before
        (tmp_path / "end").touch()
        await state(manager, "idle")
        note_busy_kernel(settings, kernels)
        assert settings == {}
    finally:
        client.stop_channels()
        await kernels.shutdown_all(now=True)
