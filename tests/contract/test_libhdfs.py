"""What libhdfs alone brings into a process: a JVM, files that Java holds, modes that come later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import FileSystem, Kind


@pytest.fixture
def kind() -> Kind:
    return "libhdfs"


def test_the_jvm_leaves_the_signals_and_the_environment_to_python(
    fs: FileSystem, as_user: Callable[..., Any]
) -> None:
    code = (
        "import os, signal\n"
        "caught = []\n"
        "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):\n"
        "    signal.signal(number, lambda number, _: caught.append(number))\n"
        "before = dict(os.environ)\n"
        "fs = open_filesystem(kind='libhdfs')\n"
        "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):\n"
        "    os.kill(os.getpid(), number)\n"
        "fs.exists('/')\n"
        "print(json.dumps([caught, before == dict(os.environ)]))"
    )
    assert as_user("alice", code) == [[15, 2, 1], True]


def test_a_file_that_was_given_up_is_free_for_others_soon(
    fs: FileSystem, root: str, as_user: Callable[..., Any]
) -> None:
    """In a process of its own: a JVM that has lost its NameNode before closes files later."""
    code = f"""
import time
import hdfs_native

def is_free():
    try:
        hdfs_native.Client().append("{root}/a").close()
    except FileExistsError:  # "Failed to APPEND_FILE …"
        return False
    return True

fs = open_filesystem(kind="libhdfs")
try:
    with fs.open_write("{root}/a") as file:
        file.write(b"half")
        raise KeyError("no more")
except KeyError:
    pass
deadline = time.monotonic() + 90
while not (free := is_free()) and time.monotonic() < deadline:
    time.sleep(0.05)
print(json.dumps(free))
"""
    assert as_user("alice", code), "another client still writes it"


def test_a_file_has_its_mode_before_it_has_content_whatever_the_directory_gives(
    fs: FileSystem, root: str, hdfs: Callable[..., str], as_user: Callable[..., Any]
) -> None:
    hdfs("dfs", "-setfacl", "-m", "default:user:bob:rwx", root)
    for mode in (0o600, 0o640):
        with fs.open_write(f"{root}/{mode}", mode):
            assert fs.stat(f"{root}/{mode}").mode == mode
        assert fs.stat(f"{root}/{mode}").mode == mode


def test_a_token_file_that_java_does_not_take_is_told_of_and_changes_nothing(
    fs: FileSystem,
    root: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "tokens").write_bytes(b"no tokens")
    monkeypatch.setenv("HADOOP_TOKEN_FILE_LOCATION", str(tmp_path / "tokens"))
    for name in ("a", "b"):
        with fs.open_write(f"{root}/{name}") as file:
            file.write(b"1")
    told = [record for record in caplog.records if record.name == "hadoop_client.hdfs.jvm_tokens"]
    assert [record.levelname for record in told] == ["WARNING"]
    assert fs.open_read(f"{root}/a").read() == b"1"
