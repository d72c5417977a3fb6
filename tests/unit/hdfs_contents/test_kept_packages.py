"""Packages that a user installs, kept for the next server."""

from __future__ import annotations

import asyncio
import errno
import io
import logging
import os
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdfs_contents.packages.app import KeptPackages, prepare_kernels, variables
from hdfs_contents.packages.archive import (
    changes,
    pack,
    packages_of,
    python_tag,
    site_packages,
    unpack,
)
from hdfs_contents.packages.kept import Packages, open_packages
from hdfs_contents.session.archive import DamagedError
from tests.unit.env_packaging.local_filesystem import LocalFileSystem

LIMIT = 1_000_000
LOG = logging.getLogger(__name__)
PYTHON = f"{sys.base_prefix}/bin/python3"


class Store:
    """An archive in memory, in place of HDFS."""

    def __init__(self) -> None:
        self.archive: bytes | None = None
        self.damaged: bytes | None = None
        self.failure: OSError | None = None
        self.save_failure: OSError | None = None
        self.fetches = 0
        self.saves = 0

    def fetch(self, limit: int) -> IO[bytes] | None:
        self.fetches += 1
        if self.failure:
            raise self.failure
        return None if self.archive is None else io.BytesIO(self.archive)

    def save(self, archive: IO[bytes]) -> None:
        if self.save_failure:
            raise self.save_failure
        self.archive = archive.read()
        self.saves += 1

    def set_aside(self) -> str:
        self.archive, self.damaged = None, self.archive
        return "aside"


@pytest.fixture
def store() -> Store:
    return Store()


def packages(base: Path, store: Store, limit: int = LIMIT) -> Packages:
    return Packages(base, store, limit, LOG)  # type: ignore[arg-type]


def install(base: Path, name: str, size: int = 10) -> None:
    directory = site_packages(base)
    (directory / f"{name}-1.0.dist-info").mkdir()
    (directory / f"{name}-1.0.dist-info" / "METADATA").write_text(f"Name: {name}\n")
    (directory / f"{name}.py").write_bytes(b"#" * size)


def names(base: Path) -> list[str]:
    return sorted(path.stem for path in site_packages(base).glob("*.py"))


def test_what_pip_installs_is_there_in_the_next_server(tmp_path: Path, store: Store) -> None:
    """With pip and Python themselves: modules, compiled ones, and a command."""
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        info = "demo-1.0.dist-info"
        archive.writestr("demo.py", "def main(): print('made by', __cached__)\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/entry_points.txt", "[console_scripts]\ndemo = demo:main\n")
        archive.writestr(f"{info}/RECORD", "")
    first, second = tmp_path / "first", tmp_path / "second"
    kept = packages(first, store)
    kept.restore()
    environment = {**os.environ, **variables(first), "PIP_USER": "1"}
    pip = [PYTHON, "-m", "pip", "install", "-q", "--no-index", str(wheel)]
    subprocess.run(pip, env=environment, check=True, capture_output=True, timeout=300)
    # The interpreter of a container that has ended.
    command = first / "bin" / "demo"
    command.write_text(command.read_text().replace(PYTHON, f"{sys.prefix}/bin/python3"))
    kept.save()
    packages(second, store).restore()
    environment = {**os.environ, "PATH": f"{sys.base_prefix}/bin:{os.environ['PATH']}"}
    environment |= {"PYTHONUSERBASE": str(second)}
    done = subprocess.run(
        [second / "bin" / "demo"], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.startswith(f"made by {site_packages(second)}/__pycache__/"), done.stderr
    assert store.archive is not None
    assert list(packages_of(io.BytesIO(store.archive))) == [("demo", "1.0")]


def test_only_changes_are_saved(tmp_path: Path, store: Store) -> None:
    kept = packages(tmp_path / "a", store)
    kept.save()
    assert store.saves == 0
    install(tmp_path / "a", "one")
    kept.save()
    kept.save()
    assert store.saves == 1
    again = packages(tmp_path / "b", store)
    again.restore()
    again.save()
    assert (store.saves, names(tmp_path / "b")) == (1, ["one"])


def test_packages_are_saved_when_they_do_not_change_any_more(tmp_path: Path, store: Store) -> None:
    base = tmp_path / "a"
    kept = packages(base, store)
    for number, name in enumerate(("one", "two")):
        install(base, name)
        os.utime(site_packages(base), ns=(number, number))
        kept.save_when_settled()
    assert store.saves == 0
    kept.save_when_settled()
    assert store.saves == 1


def test_an_archive_that_cannot_be_read_now_is_not_overwritten(
    tmp_path: Path, store: Store
) -> None:
    base = tmp_path / "first"
    install_and_save(base, store, "kept")
    store.failure = OSError(errno.ETIMEDOUT, "HDFS does not answer")
    second = tmp_path / "second"
    kept = packages(second, store)
    kept.restore()
    install(second, "new")
    kept.save()
    assert store.saves == 1
    store.failure = None
    kept.save()
    assert names(second) == ["kept", "new"]
    packages(tmp_path / "third", store).restore()
    assert names(tmp_path / "third") == ["kept", "new"]


def install_and_save(base: Path, store: Store, *installed: str) -> Packages:
    kept = packages(base, store)
    kept.restore()
    for name in installed:
        install(base, name)
    kept.save()
    return kept


def test_packages_over_the_limit_are_reported_once_and_the_last_archive_stays(
    tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    base = tmp_path / "a"
    kept = install_and_save(base, store, "small")
    saved = store.archive
    install(base, "large", LIMIT)
    kept.save()
    kept.save()
    assert store.archive == saved
    (message,) = caplog.messages
    assert message.startswith("Your packages are not kept: they have 1 MB, and the limit is 1 MB.")
    (site_packages(base) / "large.py").unlink()
    kept.save()
    assert store.archive != saved


@pytest.mark.parametrize("content", [b"", b"text", b"\x1f\x8b\x08\x00"])
def test_a_damaged_archive_is_set_aside(
    content: bytes, tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.archive = content
    install_and_save(tmp_path / "a", store, "new")
    assert store.damaged == content
    assert caplog.messages[0].startswith("Your packages were not restored, because it is not an ar")
    packages(tmp_path / "b", store).restore()
    assert names(tmp_path / "b") == ["new"]


@pytest.mark.parametrize("name", ["../outside", "/outside", "link/outside"])
def test_an_archive_writes_only_below_its_directory(name: str, tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "../elsewhere"
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo(name))
    file.seek(0)
    base = tmp_path / "base"
    base.mkdir()
    (tmp_path / "elsewhere").mkdir()
    with suppress(DamagedError):
        unpack(file, base, LIMIT)
    below = {path for path in tmp_path.rglob("*") if path.is_relative_to(base)}
    assert set(tmp_path.rglob("*")) - below == {tmp_path / "elsewhere"}
    assert not Path("/outside").exists()


@pytest.mark.parametrize("target", ["/elsewhere", "../../elsewhere", "BASE/lib/data"])
def test_a_link_that_the_next_server_cannot_have_is_left_out(
    target: str, tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    kept = packages(first, store)
    (first / "lib" / "link").symlink_to(target.replace("BASE", str(first)))
    (first / "lib" / "inside").symlink_to("../lib/data")
    (first / "lib" / "loop").symlink_to("loop")
    install(first, "one")
    kept.save()
    packages(second, store).restore()
    assert names(second) == ["one"]
    assert (second / "lib" / "inside").is_symlink()
    assert not os.path.lexists(second / "lib" / "link")
    (message,) = caplog.messages
    assert message == (
        "These links are not kept with your packages, because they are absolute or lead to another "
        "directory: lib/link"
    )


@pytest.mark.parametrize("target", ["/elsewhere", "../../elsewhere"])
def test_only_such_a_link_of_an_earlier_archive_is_not_restored(
    target: str, tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        link = tarfile.TarInfo("lib/link")
        link.type, link.linkname = tarfile.SYMTYPE, target
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("lib/file"))
    store.archive = file.getvalue()
    packages(tmp_path / "a", store).restore()
    assert (tmp_path / "a" / "lib" / "file").exists()
    assert not os.path.lexists(tmp_path / "a" / "lib" / "link")
    (message,) = caplog.messages
    assert message.startswith("These links of your packages were not restored, because")
    assert message.endswith(": lib/link")
    assert store.damaged is None


def test_an_archive_that_unpacks_to_more_than_the_limit_is_damaged(tmp_path: Path) -> None:
    base = tmp_path / "a"
    site_packages(base).mkdir(parents=True)
    install(base, "large", LIMIT)
    file = io.BytesIO()
    pack(base, 2 * LIMIT, file)
    file.seek(0)
    with pytest.raises(DamagedError, match="more than 1,000,000 bytes"):
        unpack(file, tmp_path / "b", LIMIT)


@pytest.mark.parametrize("metadata", ["demo-1.0.dist-info", "demo-1.0.egg-info"])
def test_each_change_by_pip_is_seen(metadata: str, tmp_path: Path) -> None:
    """pip writes RECORD last, after it has compiled the modules."""
    information = site_packages(tmp_path) / metadata
    steps = [
        lambda: (tmp_path / "bin").mkdir(),
        lambda: information.mkdir(parents=True),
        (information / "RECORD").touch,
    ]
    for step in steps:
        for path in tmp_path.rglob("*"):
            os.utime(path, (0, 0))  # the step changes the time on a coarse clock too
        before = changes(tmp_path)
        step()
        assert changes(tmp_path) != before


def test_a_directory_that_is_removed_meanwhile_is_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    before = changes(tmp_path)
    monkeypatch.setattr(Path, "glob", lambda base, pattern: [base / "removed"])
    assert changes(tmp_path) != before


def test_packages_that_cannot_be_examined_are_reported_and_saved_later(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    base = tmp_path / "a"
    kept = install_and_save(base, store)
    install(base, "one")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "glob", fail)
        kept.save_when_settled()
        kept.save_when_settled()
    (message,) = caplog.messages
    assert message.startswith("The directory of your packages could not be examined: Input/output")
    kept.save_when_settled()
    kept.save_when_settled()
    assert store.saves == 1


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


LONG = b"#!/bin/sh\n'''exec' \"/grid/a b/python3.11\" \"$0\" \"$@\"\n' '''\nimport demo\n"


@pytest.mark.parametrize("content", [b"#!/grid/environment/bin/python3\nimport demo\n", LONG])
def test_a_command_finds_its_interpreter_in_the_next_container(
    content: bytes, tmp_path: Path
) -> None:
    command = tmp_path / "a" / "bin" / "demo"
    command.parent.mkdir(parents=True)
    command.write_bytes(content)
    command.chmod(0o755)
    file = io.BytesIO()
    pack(tmp_path / "a", LIMIT, file)
    file.seek(0)
    unpack(file, tmp_path / "b", LIMIT)
    line = f"#!/usr/bin/env python{sys.version_info[0]}.{sys.version_info[1]}"
    written = tmp_path / "b" / "bin" / "demo"
    assert written.read_text() == f"{line}\nimport demo\n"
    assert written.stat().st_mode & 0o777 == 0o755


@given(
    st.dictionaries(
        st.text("abé -_.", min_size=1, max_size=8).filter(lambda name: name.strip(".")),
        st.binary(max_size=100),
    )
)
def test_files_come_back_as_they_were(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        first, second = Path(directory, "first"), Path(directory, "second")
        (first / "lib").mkdir(parents=True)
        for name, content in files.items():
            (first / "lib" / name).write_bytes(content)
            (first / f"hard {name}").hardlink_to(first / "lib" / name)
            (first / f"soft {name}").symlink_to(f"lib/{name}")
        file = io.BytesIO()
        pack(first, LIMIT, file)
        file.seek(0)
        unpack(file, second, LIMIT)
        for name, content in files.items():
            copy = second / "lib" / name
            assert copy.read_bytes() == (second / f"hard {name}").read_bytes() == content
            assert (second / f"soft {name}").readlink() == Path("lib", name)
            assert int(copy.stat().st_mtime) == int((first / "lib" / name).stat().st_mtime)


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


def test_a_failed_save_counts_until_the_next_one_succeeds(tmp_path: Path, store: Store) -> None:
    kept = install_and_save(tmp_path / "a", store)
    assert not kept.failing
    store.save_failure = OSError(errno.EDQUOT, "The quota is exceeded")
    install(tmp_path / "a", "one")
    kept.save()
    assert kept.failing
    store.save_failure = None
    kept.save()
    assert (kept.failing, store.saves) == (False, 1)


async def test_a_venv_keeps_no_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr("sys.prefix", "/venv")
    made = extension(tmp_path, monkeypatch, store)
    made.initialize_settings()
    assert str(tmp_path) not in os.environ["PYTHONUSERBASE"]
    await made.stop_extension()
    assert not os.listdir(tmp_path)  # noqa: PTH208


def test_a_directory_that_cannot_be_created_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    (tmp_path / "file").touch()
    assert open_packages(tmp_path / "file" / "packages", LIMIT, LOG) is None
    (message,) = caplog.messages
    assert message.startswith("Packages are not kept: [Errno 20] Not a directory:")


@pytest.mark.parametrize(
    ("name", "mode"), [("default.tar.gz", 0o640), ("", 0o777), ("", 0o1777), ("", 0o770)]
)
def test_packages_that_another_user_may_have_put_there_are_not_restored(
    name: str,
    mode: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Kernels would run them."""
    fs = LocalFileSystem(tmp_path / "hdfs")
    monkeypatch.setattr("hdfs_contents.packages.kept.open_filesystem", lambda: fs)
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    first = open_packages(tmp_path / "first", LIMIT, LOG)
    assert first is not None
    install(tmp_path / "first", "theirs")
    first.save()
    directory = f"/user/alice/.yarnhub/packages/{python_tag()}"
    fs.at(f"{directory}/{name}").chmod(mode)
    before = fs.at(f"{directory}/default.tar.gz").read_bytes()
    second = open_packages(tmp_path / "second", LIMIT, LOG)
    assert second is not None
    second.restore()
    install(tmp_path / "second", "own")
    second.save()
    assert names(tmp_path / "second") == ["own"]
    assert "other users have access to" in caplog.text
    assert fs.at(f"{directory}/default.tar.gz").read_bytes() == before
