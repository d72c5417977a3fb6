"""The extension of the server that keeps packages."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hdfs_contents.packages.app import KeptPackages, prepare_kernels
from tests.unit.hdfs_contents.kept_packages import (
    LOG,
    Store,
    install,
    install_and_save,
    names,
    packages,
)


class Manager:
    """A manager of kernels that tells with what a kernel is started."""

    def __init__(self, ready: threading.Event) -> None:
        self._ready = ready

    async def start_kernel(self, *args: Any, **options: Any) -> tuple[Any, ...]:
        return (self._ready.is_set(), *args, options)


async def test_kernels_wait_for_the_packages_for_a_limited_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    ready = threading.Event()
    manager = Manager(ready)
    prepare_kernels(manager, ready, 0.0)
    assert await manager.start_kernel() == (False, {})
    manager = Manager(ready)
    prepare_kernels(manager, ready, 600.0)
    starting = asyncio.create_task(manager.start_kernel("id", path="a"))
    await asyncio.sleep(0)
    ready.set()
    assert await starting == (True, "id", {"path": "a"})


async def test_pip_in_kernels_does_not_write_to_an_environment_that_it_could_write_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready = threading.Event()
    ready.set()
    manager = Manager(ready)
    prepare_kernels(manager, ready, 600.0)
    monkeypatch.setattr("os.access", lambda *_: True)
    monkeypatch.setenv("OTHER", "1")
    _, options = await manager.start_kernel()
    assert (options["env"]["PIP_USER"], options["env"]["OTHER"]) == ("1", "1")
    _, options = await manager.start_kernel(env={"JPY_SESSION_NAME": "a"})
    assert options["env"] == {"JPY_SESSION_NAME": "a", "PIP_USER": "1"}


class Loop:
    def add_callback(self, callback: Any) -> None:
        callback()


def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store) -> KeptPackages:
    """The extension of a server on YARN that saves when it stops only."""
    for variable in ("PATH", "PYTHONUSERBASE"):
        monkeypatch.setenv(variable, os.environ.get(variable, ""))  # restored after the test
    monkeypatch.setenv("YARNHUB_LOCAL_ROOT", str(tmp_path / "local"))
    monkeypatch.setattr(
        "hdfs_contents.packages.kept.open_packages", lambda base, *_: packages(base, store)
    )
    made = KeptPackages(enabled=True, save_interval=600.0)
    made.serverapp = SimpleNamespace(kernel_manager=Manager(threading.Event()), io_loop=Loop())
    return made


async def test_the_extension_restores_and_saves_the_packages_of_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    install_and_save(tmp_path / "earlier", store, "one")
    monkeypatch.setattr("sys.prefix", sys.base_prefix)
    made = extension(tmp_path, monkeypatch, store)
    made.initialize_settings()
    base = Path(os.environ["PYTHONUSERBASE"])
    assert base == tmp_path / "packages"
    assert os.environ["PATH"].endswith(f":{base}/bin")
    await made.serverapp.kernel_manager.start_kernel()
    assert names(base) == ["one"]
    install(base, "two")
    await made.stop_extension()
    packages(tmp_path / "later", store).restore()
    assert names(tmp_path / "later") == ["one", "two"]


async def test_a_venv_keeps_no_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr("sys.prefix", "/venv")
    made = extension(tmp_path, monkeypatch, store)
    made.initialize_settings()
    assert str(tmp_path) not in os.environ["PYTHONUSERBASE"]
    await made.stop_extension()
    assert not os.listdir(tmp_path)  # noqa: PTH208


async def test_a_python_without_filters_of_tarfile_keeps_no_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.prefix", sys.base_prefix)
    monkeypatch.delattr("tarfile.data_filter")
    made = extension(tmp_path, monkeypatch, store)
    made.log = LOG
    with caplog.at_level(logging.INFO):
        made.initialize_settings()
    assert str(tmp_path) not in os.environ["PYTHONUSERBASE"]
    (message,) = caplog.messages
    assert message.startswith("Packages are not kept: tarfile in Python 3.")


class Checks:
    """In place of the event of a stop: the server stops after this number of checks."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.waits: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return len(self.waits) > self._number


def test_a_restore_that_fails_is_repeated_less_and_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    """Each one transfers the whole archive."""
    made = extension(tmp_path, monkeypatch, store)
    made.save_interval = 5.0
    made._restored = threading.Event()
    made._stopping = checks = Checks(8)  # type: ignore[assignment]
    store.failure = OSError(errno.ENOSPC, "No space left on device")
    made._keep(tmp_path / "a")
    assert checks.waits == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0, 300.0]
    assert store.fetches == len(checks.waits) + 1
