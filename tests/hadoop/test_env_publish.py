"""`yarnhub pack-env` against a real HDFS."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from env_packaging.registry import DEFAULT_ENV_ROOT, resolve
from hadoop_client.hdfs.filesystem import FileSystem
from tests.hadoop.env_tools import (
    HUB_USER,
    client_environment,
    download,
    on_a_terminal,
    open_hdfs,
    pack_env,
    run_script,
)
from tests.unit.env_packaging.prefixes import copy_python, install, make_venv
from yarnhub.minihadoop import MiniHadoop


@pytest.fixture(scope="module")
def shared_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_python(tmp_path_factory.mktemp("shared") / "python")


@pytest.fixture
def venv(shared_python: Path, tmp_path: Path) -> Path:
    made = make_venv(shared_python, tmp_path / "venv")
    install(made, "demo", source=f"value = {os.fspath(tmp_path)!r}\n")
    return made


@pytest.fixture
def hdfs(hadoop: MiniHadoop) -> FileSystem:
    return open_hdfs(hadoop)


def files_of(hdfs: FileSystem, name: str, root: str = DEFAULT_ENV_ROOT) -> list[str]:
    return [each.name for each in hdfs.list_dir(f"{root}/{name}")]


def test_a_published_environment_is_whole_and_readable_by_all(
    hadoop: MiniHadoop, hdfs: FileSystem, venv: Path, tmp_path: Path
) -> None:
    done = pack_env(hadoop, venv, "--name", "whole", "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    manifest = result["manifest"]
    found = resolve(hdfs, DEFAULT_ENV_ROOT, "whole")
    assert (found.path, found.public) == (result["path"], True)
    assert sorted(files_of(hdfs, "whole")) == [f"{found.key}.json", f"{found.key}.tar.gz", "latest"]
    archive = download(hdfs, found.path, tmp_path / "archive.tar.gz").read_bytes()
    assert hashlib.sha256(archive).hexdigest() == manifest["sha256"]
    assert len(archive) == manifest["archive_bytes"] == found.size_bytes
    for status in hdfs.list_dir(f"{DEFAULT_ENV_ROOT}/whole"):
        assert (status.mode, status.owner) == (0o644, HUB_USER)
    assert hdfs.stat(f"{DEFAULT_ENV_ROOT}/whole").mode == 0o755
    assert [package["name"] for package in manifest["packages"]] == ["demo"]


def test_the_same_again_is_unchanged_in_hdfs_too(
    hadoop: MiniHadoop, hdfs: FileSystem, venv: Path
) -> None:
    first = pack_env(hadoop, venv, "--name", "again")
    assert first.stdout.startswith("Published again:latest in ")
    assert first.stdout.endswith('c.YarnSpawner.python_env = "again"\n')
    before = hdfs.list_dir(f"{DEFAULT_ENV_ROOT}/again")
    second = pack_env(hadoop, venv, "--name", "again")
    assert second.stdout.startswith("Unchanged, nothing uploaded: again:latest")
    assert hdfs.list_dir(f"{DEFAULT_ENV_ROOT}/again") == before


def test_a_terminal_shows_how_far_it_is(hadoop: MiniHadoop, venv: Path) -> None:
    shown = on_a_terminal(hadoop, "pack-env", venv, "--name", "shown")
    for part in ("Reading", "Packing", " files  ", " MB/s", "Published shown:latest in"):
        assert part in shown


def test_as_many_nodes_have_a_copy_as_was_asked_for(
    hadoop: MiniHadoop, hdfs: FileSystem, venv: Path
) -> None:
    def copies() -> int:
        path = resolve(hdfs, DEFAULT_ENV_ROOT, "copied").path
        url = f"{hadoop.namenode_url}/webhdfs/v1{path}"
        params = {"op": "GETFILESTATUS"}
        status = httpx.get(url, params=params, trust_env=False, timeout=60).json()
        return int(status["FileStatus"]["replication"])

    usual = pack_env(hadoop, venv, "--name", "copied", "--quiet")
    assert (usual.returncode, copies()) == (0, 3)
    more = pack_env(hadoop, venv, "--name", "copied", "--quiet", "--copies", "2")
    assert (more.returncode, copies()) == (0, 2)
    refused = pack_env(hadoop, venv, "--name", "copied", "--quiet", "--copies", "9999")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (6, 1)
    assert copies() == 2


def test_a_new_version_lies_beside_the_old_one_and_latest_moves(
    hadoop: MiniHadoop, hdfs: FileSystem, venv: Path
) -> None:
    pack_env(hadoop, venv, "--name", "moving")
    first = resolve(hdfs, DEFAULT_ENV_ROOT, "moving")
    install(venv, "another")
    pack_env(hadoop, venv, "--name", "moving")
    assert resolve(hdfs, DEFAULT_ENV_ROOT, "moving").key != first.key
    assert resolve(hdfs, DEFAULT_ENV_ROOT, f"moving@{first.key}") == first


def test_two_packers_of_one_name_at_once_publish_one_whole_environment(
    hadoop: MiniHadoop, hdfs: FileSystem, venv: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "yarnhub", "pack-env", venv, "--name", "twice", "--quiet"]
    environment = client_environment(hadoop, HUB_USER)
    packers = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [packer.wait(timeout=300) for packer in packers] == [0, 0]
    found = resolve(hdfs, DEFAULT_ENV_ROOT, "twice")
    archive = download(hdfs, found.path, tmp_path / "archive.tar.gz").read_bytes()
    assert hashlib.sha256(archive).hexdigest() == found.manifest.sha256
    assert len(files_of(hdfs, "twice")) == 3


INTERRUPTED = """
import os, signal, sys
from env_packaging.pack import pack_and_publish
from hadoop_client.hdfs.filesystem import open_filesystem

class InterruptingItself:
    def begin(self, phase, files, size_bytes):
        self.left = files // 2 if phase == "Packing" else -1
    def advance(self, files, size_bytes):
        self.left -= files
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)

pack_and_publish(sys.argv[1], "interrupted", open_filesystem(), progress=InterruptingItself())
"""


def test_ctrl_c_half_way_leaves_nothing(hadoop: MiniHadoop, hdfs: FileSystem, venv: Path) -> None:
    done = run_script(hadoop, INTERRUPTED, venv)
    assert "KeyboardInterrupt" in done.stderr
    assert files_of(hdfs, "interrupted") == []


LEFT_ALONE = """
import os, signal, sys
from env_packaging.errors import StorageError
from env_packaging.pack import pack_and_publish
from hadoop_client.hdfs.filesystem import open_filesystem

class StoppingTheNameNode:
    def begin(self, phase, files, size_bytes):
        self.left = files // 2 if phase == "Packing" else -1
    def advance(self, files, size_bytes):
        self.left -= files
        if self.left == 0:
            os.kill(int(sys.argv[2]), signal.SIGSTOP)

try:
    pack_and_publish(sys.argv[1], "left", open_filesystem(), progress=StoppingTheNameNode())
except StorageError as error:
    sys.exit(str(error))
"""


@pytest.mark.heavy  # each call waits for its deadline
def test_a_namenode_that_goes_away_half_way_leaves_nothing_that_anybody_finds(
    hadoop: MiniHadoop, hdfs: FileSystem, venv: Path
) -> None:
    try:
        done = run_script(hadoop, LEFT_ALONE, venv, str(hadoop.namenode.pid))
    finally:
        hadoop.namenode.resume()
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Could not publish" in done.stderr
    assert all(each.endswith(".uploading") for each in files_of(hdfs, "left"))
    assert pack_env(hadoop, venv, "--name", "left", "--quiet").returncode == 0
    assert resolve(hdfs, DEFAULT_ENV_ROOT, "left").public


def test_who_may_not_write_there_is_told_so_in_a_line(
    hadoop: MiniHadoop, hdfs: FileSystem, venv: Path
) -> None:
    done = pack_env(hadoop, venv, "--name", "forbidden", user="alice")
    assert done.returncode == 6
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Could not publish /apps/yarnhub/envs/forbidden/")
    assert "as alice: Permission denied" in done.stderr
    assert not hdfs.exists(f"{DEFAULT_ENV_ROOT}/forbidden")


def test_a_quota_that_is_full_is_a_line_and_leaves_the_registry_as_it_was(
    hadoop: MiniHadoop, hdfs: FileSystem, venv: Path
) -> None:
    root = "/tmp/small-envs"
    assert pack_env(hadoop, venv, "--name", "kept", "--env-root", root).returncode == 0
    before = resolve(hdfs, root, "kept")
    environment = {key: value for key, value in hadoop.env().items() if key != "HADOOP_USER_NAME"}
    subprocess.run(
        ["hdfs", "dfsadmin", "-setSpaceQuota", "1", root],
        env=environment,
        check=True,
        capture_output=True,
        timeout=300,
    )
    install(venv, "another")
    done = pack_env(hadoop, venv, "--name", "kept", "--env-root", root)
    assert done.returncode == 6
    assert len(done.stderr.splitlines()) == 1
    assert "quota" in done.stderr
    assert resolve(hdfs, root, "kept") == before
    assert len(files_of(hdfs, "kept", root)) == 3


def test_a_namenode_that_is_away_is_a_line(
    hadoop: MiniHadoop, venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = """<configuration><property><name>fs.defaultFS</name>
              <value>hdfs://127.0.0.1:1</value></property></configuration>"""
    (tmp_path / "core-site.xml").write_text(site)
    environment = client_environment(hadoop, HUB_USER) | {"HADOOP_CONF_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "yarnhub", "pack-env", venv, "--name", "away"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 6
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("/nowhere", "--name", "x"), 3, "/nowhere is not a directory"),
        (("/etc", "--name", "x"), 3, "is neither a conda environment, nor a venv"),
        (("/nowhere", "--name", "../x"), 2, "cannot be an environment's name"),
        (("/nowhere", "--name", "x", "--alias", "a/b"), 2, "cannot be an environment's alias"),
    ],
)
def test_what_can_not_be_packed_is_a_line_and_an_exit_code(
    arguments: tuple[str, ...], exit_code: int, message: str, hadoop: MiniHadoop
) -> None:
    done = pack_env(hadoop, *arguments)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
