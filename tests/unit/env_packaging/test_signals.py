"""`yarnhub pack-env` that is ended by a signal."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from env_packaging.cli import Show, Target, publish_prefix
from env_packaging.registry import Reference
from tests.unit.env_packaging.local_filesystem import LocalFileSystem


@contextmanager
def handled(number: signal.Signals, how: signal.Handlers) -> Iterator[None]:
    """The tests themselves may run under nohup."""
    before = signal.signal(number, how)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_command_leaves_no_temporary_file(
    number: signal.Signals,
    venv: Path,
    filesystem: LocalFileSystem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    uploading: list[str] = []

    def end(_path: str) -> None:
        uploading.extend(filesystem.files())
        os.kill(os.getpid(), number)

    filesystem.before["chmod"] = lambda path: end(path) if path.endswith(".uploading") else None
    target = Target(filesystem, "/apps/envs", Reference("science", "latest"))
    with handled(number, signal.SIG_DFL):
        with pytest.raises(SystemExit) as ended:
            publish_prefix(nullcontext(venv), target, Show(as_json=False, quiet=True))
        assert signal.getsignal(number) is signal.SIG_DFL
    assert ended.value.code == 128 + number
    assert len(uploading) == 1
    assert filesystem.files() == []


def test_a_signal_that_is_ignored_stays_ignored(
    venv: Path, filesystem: LocalFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    filesystem.before["chmod"] = lambda _path: os.kill(os.getpid(), signal.SIGHUP)
    target = Target(filesystem, "/apps/envs", Reference("science", "latest"))
    with handled(signal.SIGHUP, signal.SIG_IGN):  # as nohup does
        publish_prefix(nullcontext(venv), target, Show(as_json=False, quiet=True))
    assert len(filesystem.files()) == 3
