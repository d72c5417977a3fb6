"""What each file system, and what is built on it, must do alike: once for each kind.

The JVM of libhdfs is one for the whole process, with the configuration of the tests' one cluster.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hadoop_client.hdfs.filesystem import FileSystem, Kind, open_filesystem
from hdfs_contents import HDFSContentsManager
from tests.contract.build_libhdfs import CannotBuild, libhdfs_folder
from tests.hadoop.contents.conftest import (  # noqa: F401 - pytest finds fixtures by their names
    as_user,
    hdfs,
    root,
)
from tests.unit.hdfs_contents.manager.fixtures import (  # noqa: F401
    manager,
    names,
    read,
    write,
)
from tests.unit.hdfs_contents.manager.models import MakeManager
from yarnhub.minihadoop import MiniHadoop


@pytest.fixture(scope="session")
def libhdfs(hadoop: MiniHadoop) -> dict[str, str]:
    """What libhdfs needs in the environment; skips, with the reason, where it can't be built."""
    java_home = Path(hadoop.env()["JAVA_HOME"])
    pytest.importorskip("pyarrow")
    try:
        folder = libhdfs_folder(java_home)
    except CannotBuild as error:
        pytest.skip(f"libhdfs is not tested: {error}")
    return {"ARROW_LIBHDFS_DIR": str(folder)}


@pytest.fixture(params=["native", "libhdfs"])
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture
def fs(
    kind: Kind, hadoop: MiniHadoop, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> FileSystem:
    """HDFS as alice, by one kind after the other."""
    needed = ("HADOOP_CONF_DIR", "HADOOP_HOME", "JAVA_HOME", "PATH")
    for name in needed:
        monkeypatch.setenv(name, hadoop.env()[name])
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")
    if kind != "native":
        for name, value in request.getfixturevalue("libhdfs").items():
            monkeypatch.setenv(name, value)
    return open_filesystem(kind=kind)


@pytest.fixture
def make_manager(root: str, kind: Kind) -> MakeManager:  # noqa: F811
    """`make_manager(option=value, …)`: a contents manager of alice's on the root, of the kind."""
    always = {"root_dir": root, "filesystem_kind": kind}
    return lambda **options: HDFSContentsManager(**always | options)


@pytest.fixture(scope="session")
def zone(hadoop: MiniHadoop) -> str:
    """An encryption zone, /zone, of alice's. Its key is in a file that the NameNode has got: a key
    server would give hdfs-native the key."""
    keys = hadoop.state.folder / "tmp" / "keys.jceks"
    provider = f"jceks://file{keys}"
    site = hadoop.conf_dir / "namenode" / "core-site.xml"
    setting = (
        "<property><name>hadoop.security.key.provider.path</name>"
        f"<value>{provider}</value></property>"
    )
    site.write_text(site.read_text().replace("</configuration>", f"{setting}</configuration>"))
    run = _as_superuser(hadoop)
    run("org.apache.hadoop.crypto.key.KeyShell", "create", "zones", "-provider", provider)
    hadoop.namenode.stop()
    hadoop.namenode.start()
    hadoop.wait_ready()
    run("dfs", "-mkdir", "/zone")
    crypto = "org.apache.hadoop.hdfs.tools.CryptoAdmin"
    run(crypto, "-createZone", "-keyName", "zones", "-path", "/zone")
    run("dfs", "-chown", "alice", "/zone")
    return "/zone"


def _as_superuser(hadoop: MiniHadoop) -> Callable[..., None]:
    def run(*arguments: str) -> None:
        command = ["hdfs", *arguments]
        done = subprocess.run(
            command, env={**os.environ, **hadoop.env()}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run
