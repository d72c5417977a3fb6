"""The environment and the names that libhdfs gets."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.hdfs import jvm
from hadoop_client.hdfs.libhdfs import needs_libhdfs

VARIABLES = ("ARROW_LIBHDFS_DIR", "CLASSPATH", "HADOOP_CONF_DIR", "LIBHDFS_OPTS", *jvm._HOMES)


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")


def command(folder: Path, output: str) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "hadoop").write_text(f"#!/bin/sh\necho '{output}'\n")
    (folder / "bin" / "hadoop").chmod(0o755)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_name_reaches_java_as_it_is(name: str) -> None:
    given = jvm.java_name(name)
    assert 0 not in given
    # As Java reads it: each surrogate separately, and the pair as one character.
    halves = given.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
    assert all(ord(half) <= 0xFFFF for half in halves)
    assert halves.encode("utf-16-be", "surrogatepass").decode("utf-16-be") == name


def test_half_a_character_is_no_name() -> None:
    with pytest.raises(UnicodeEncodeError):
        jvm.java_name("/a\udc80")


def test_the_class_path_begins_with_the_configuration_that_hdfs_native_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLASSPATH", "/lib/hadoop-common-3.jar")
    monkeypatch.setenv("HADOOP_HOME", "/hadoop")
    assert jvm._class_path() == "/hadoop/etc/hadoop:/lib/hadoop-common-3.jar"
    monkeypatch.setenv("HADOOP_CONF_DIR", "/conf")
    assert jvm._class_path() == "/conf:/lib/hadoop-common-3.jar"


def test_without_hadoop_in_it_the_class_path_comes_from_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLASSPATH", "/lib/other.jar")
    monkeypatch.setenv("HADOOP_CONF_DIR", "/conf")
    with pytest.raises(OSError, match="no `hadoop` command") as raised:
        jvm._class_path()
    assert raised.value.errno == errno.ELIBACC
    command(tmp_path, "/lib/hadoop-common-3.jar")
    monkeypatch.setenv("HADOOP_HOME", str(tmp_path))
    assert jvm._class_path() == "/conf:/lib/hadoop-common-3.jar"


def test_the_environment_is_as_before_once_the_jvm_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lib" / "native").mkdir(parents=True)
    (tmp_path / "lib" / "native" / "libhdfs.so").touch()
    monkeypatch.setenv("HADOOP_HOME", str(tmp_path))
    monkeypatch.setenv("CLASSPATH", "/lib/hadoop-common-3.jar")
    monkeypatch.setenv("LIBHDFS_OPTS", "-Xmx1g")
    before = dict(os.environ)
    with jvm._prepared_environment():
        assert os.environ["ARROW_LIBHDFS_DIR"] == str(tmp_path / "lib" / "native")
        # Java uses the last -Xmx. -Xrs leaves signals to Python.
        assert os.environ["LIBHDFS_OPTS"].endswith(" -Xmx1g")
        assert "-Xrs" in os.environ["LIBHDFS_OPTS"].split()
    assert dict(os.environ) == before


def test_without_pyarrow_the_message_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.fs", None)
    with pytest.raises(OSError, match=r"pip install 'yarnhub\[libhdfs\]'") as raised:
        jvm.Library(None)
    assert raised.value.errno == errno.ELIBACC


def test_without_libhdfs_the_message_lists_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLASSPATH", "/lib/hadoop-common-3.jar")
    monkeypatch.setenv("ARROW_LIBHDFS_DIR", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    script = (
        "from hadoop_client.hdfs.jvm import Library\n"
        "try:\n    Library(None)\n"
        "except OSError as error:\n    print(error.errno, error.strerror)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.startswith(f"{errno.ELIBACC} libhdfs cannot be used ("), done.stderr
    assert "JAVA_HOME" in done.stdout
    assert done.stdout.count("\n") == 1


def test_only_a_missing_key_needs_libhdfs() -> None:
    assert needs_libhdfs(OSError(errno.ENOKEY, "no key"))
    for code in (errno.ENOENT, errno.EACCES, errno.EXDEV, errno.EIO, errno.ETIMEDOUT):
        assert not needs_libhdfs(OSError(code, "something else"))
