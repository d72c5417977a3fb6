"""Packages that a user installs, kept for the next server."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import pytest

from hdfs_contents.packages import archive
from hdfs_contents.packages.app import variables
from hdfs_contents.packages.archive import packages_of, python_tag, site_packages
from hdfs_contents.packages.kept import open_packages
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.hdfs_contents.kept_packages import (
    LIMIT,
    LOG,
    Store,
    install,
    install_and_save,
    names,
    packages,
    remove,
)

PYTHON = f"{sys.base_prefix}/bin/python3"


def test_what_pip_installs_is_there_in_the_next_server(tmp_path: Path, store: Store) -> None:
    """With pip and Python themselves: modules, compiled ones, and a command."""
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        info = "demo-1.0.dist-info"
        file.writestr("demo.py", "def main(): print('made by', __cached__)\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        file.writestr(f"{info}/entry_points.txt", "[console_scripts]\ndemo = demo:main\n")
        file.writestr(f"{info}/RECORD", "")
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


@pytest.mark.parametrize(
    ("pip", "expected"),
    [
        (partial(install, name="new"), ["kept", "new", "old"]),
        (partial(remove, name="old"), ["kept"]),
    ],
    ids=["install", "uninstall"],
)
def test_what_a_terminal_changes_during_the_restore_is_saved(
    pip: Callable[[Path], None],
    expected: list[str],
    tmp_path: Path,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Terminals do not wait for the packages."""
    install_and_save(tmp_path / "first", store, "kept", "old")

    def unpack(source: IO[bytes], base: Path, limit: int) -> archive.Unpacked:
        unpacked = archive.unpack(source, base, limit)
        pip(base)
        return unpacked

    with monkeypatch.context() as patch:
        patch.setattr("hdfs_contents.packages.kept.unpack", unpack)
        install_and_save(tmp_path / "second", store)
    packages(tmp_path / "third", store).restore()
    assert names(tmp_path / "third") == expected


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
    ("name", "mode", "owner", "reason"),
    [
        ("/default.tar.gz", 0o640, "packer", "other users have access to"),
        ("", 0o777, "packer", "other users have access to"),
        ("", 0o1777, "packer", "other users have access to"),
        ("", 0o770, "packer", "other users have access to"),
        ("/default.tar.gz", 0o600, "mallory", "belongs to mallory"),
        ("", 0o755, "mallory", "belongs to mallory"),
    ],
)
def test_packages_that_another_user_may_have_put_there_are_not_restored(
    name: str,
    mode: int,
    owner: str,
    reason: str,
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
    fs.at(f"{directory}{name}").chmod(mode)
    fs.owners[f"{directory}{name}"] = owner
    before = fs.at(f"{directory}/default.tar.gz").read_bytes()
    second = open_packages(tmp_path / "second", LIMIT, LOG)
    assert second is not None
    second.restore()
    install(tmp_path / "second", "own")
    second.save()
    assert names(tmp_path / "second") == ["own"]
    assert reason in caplog.text
    assert fs.at(f"{directory}/default.tar.gz").read_bytes() == before
