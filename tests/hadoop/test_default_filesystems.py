"""Clients whose default file system is not hdfs://: checks, files and environments go to HDFS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER

GROUPS = ("rm", "queues", "proxyuser", "hdfs", "homes", "memory")

#: Saves, lists and deletes below the home, and lists directories that only mounts make.
USE_FILES = """
from hadoop_client import open_filesystem
fs = open_filesystem()
home = "/user/alice/default-filesystems"
fs.mkdirs(home)
with fs.open_write(f"{home}/a") as file:
    file.write(b"content")
fs.rename(f"{home}/a", f"{home}/b")
assert fs.open_read(f"{home}/b").read() == b"content"
assert [entry.name for entry in fs.list_dir(home)] == ["b"]
fs.delete(home, recursive=True)
assert fs.stat("/").is_dir
assert "user" in {entry.name for entry in fs.list_dir("/")}
"""


#: Moves a file to another name service, as a rename and to the trash.
LEAVE = """
import errno
from hadoop_client import open_filesystem
fs = open_filesystem()
with fs.open_write("/elsewhere/leaving") as file:
    file.write(b"content")
for move in (lambda path: fs.rename(path, "/user/alice/leaving"), fs.trash):
    try:
        move("/elsewhere/leaving")
    except OSError as error:
        assert error.errno == errno.EXDEV, error
    else:
        raise AssertionError("it was moved")
fs.delete("/elsewhere/leaving")
"""


def configure(hadoop: MiniHadoop, directory: Path, default: str, **mounts: str) -> Path:
    """Write a client's configuration: the cluster's with another default file system."""
    for name in ("hdfs-site.xml", "yarn-site.xml"):
        (directory / name).symlink_to(hadoop.conf_dir / name)
    table = "fs.viewfs.mounttable.cl."
    properties = {"fs.defaultFS": default, **{table + key: url for key, url in mounts.items()}}
    body = "".join(
        f"<property><name>{name}</name><value>{value}</value></property>"
        for name, value in properties.items()
    )
    core = (hadoop.conf_dir / "core-site.xml").as_uri()
    (directory / "core-site.xml").write_text(
        '<configuration xmlns:xi="http://www.w3.org/2001/XInclude">'
        f'<xi:include href="{core}"/>{body}</configuration>'
    )
    return directory


def run(
    hadoop: MiniHadoop, conf: Path, *arguments: str, user: str = HUB_USER
) -> subprocess.CompletedProcess[str]:
    own = {"HADOOP_CONF_DIR": str(conf), "HADOOP_USER_NAME": user}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **hadoop.env(), **own},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[str, set[str]]:
    results = json.loads(done.stdout)
    groups = {result["group"] for result in results}
    return {
        group: {result["verdict"] for result in results if result["group"] == group}
        for group in groups
    }


@pytest.mark.parametrize("fallback", [True, False])
def test_viewfs(fallback: bool, hadoop: MiniHadoop, tmp_path: Path) -> None:
    mounts = {"link./user": f"{hadoop.default_fs}/user", "link./apps": f"{hadoop.default_fs}/apps"}
    if fallback:
        mounts["linkFallback"] = f"{hadoop.default_fs}/"
    conf = configure(hadoop, tmp_path, "viewfs://cl", **mounts)
    done = run(hadoop, conf, "-m", "yarnhub", "check", *GROUPS, "--user", "alice", "--json")
    assert verdicts(done) == {group: {"ok"} for group in GROUPS}, done.stdout
    done = run(hadoop, conf, "-c", USE_FILES, user="alice")
    assert done.returncode == 0, done.stderr


def test_a_file_leaves_a_name_service_of_a_viewfs_only_by_a_copy(
    hadoop: MiniHadoop, tmp_path: Path
) -> None:
    other = hadoop.default_fs.replace("127.0.0.1", "localhost")  # the same NameNode by another name
    mounts = {"link./user": f"{hadoop.default_fs}/user", "link./elsewhere": f"{other}/tmp"}
    conf = configure(hadoop, tmp_path, "viewfs://cl", **mounts)
    done = run(hadoop, conf, "-c", LEAVE, user="alice")
    assert done.returncode == 0, done.stderr


def test_an_object_store_with_an_hdfs_beside_it(hadoop: MiniHadoop, tmp_path: Path) -> None:
    conf = configure(hadoop, tmp_path, "s3a://bucket")
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(f"c = get_config()\nc.YarnSpawner.hdfs = {hadoop.default_fs!r}\n")
    check = ("-m", "yarnhub", "check", *GROUPS, "--user", "alice", "--json")
    done = run(hadoop, conf, *check, "--config", str(config))
    assert verdicts(done) == {group: {"ok"} for group in GROUPS}, done.stdout
    # Without the option one sentence names it.
    done = run(hadoop, conf, *check)
    assert verdicts(done)["homes"] == verdicts(done)["hdfs"] == {"failed"}
    assert "Set c.YarnSpawner.hdfs" in done.stdout
    # A hub whose servers need no HDFS is in order.
    config.write_text(
        "c = get_config()\nc.YarnSpawner.contents_manager = ''\n"
        "c.YarnSpawner.python_env = '/opt/python'\n"
    )
    done = run(hadoop, conf, *check, "--config", str(config))
    assert done.returncode == 0, done.stdout
    assert verdicts(done)["homes"] == verdicts(done)["hdfs"] == {"skipped"}
