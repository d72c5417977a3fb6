"""Clusters whose HDFS is a federation behind routers: a hub, servers, files and mounts use them."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.hdfs.atomic import write_file
from hadoop_client.hdfs.filesystem import FileSystem, Kind, open_filesystem
from tests.contract.build_libhdfs import CannotBuild, libhdfs_folder
from tests.hadoop.env_tools import ROOT, bring_along, open_hdfs, pack_env
from tests.hadoop.federation import Federation, router_ports
from tests.hadoop.hub import CONFIGURED_BY_STARTS, Hub
from tests.hadoop.mounted_server import NOTEBOOKS, alice_at, configured
from tests.hadoop.test_default_filesystems import GROUPS, verdicts
from tests.unit.env_packaging.prefixes import make_venv
from tests.unit.hdfs_contents.manager.models import notebook
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER

pytestmark = pytest.mark.heavy

#: Calls all that a server needs; the second argument is a directory in another name service.
USE_FILES = """
import errno, sys, time
from hadoop_client import open_filesystem
from hadoop_client.hdfs.atomic import write_file

fs = open_filesystem(kind=sys.argv[1])
home, shared = f"/user/alice/federation-{sys.argv[1]}", f"{sys.argv[2]}/{sys.argv[1]}"

def read(path):
    with fs.open_read(path) as file:
        return file.read()

def refused(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.errno

fs.mkdirs(home, 0o750)
fs.mkdirs(shared)
saved = write_file(fs, f"{home}/a", [b"first"], replaces=None)
saved = write_file(fs, f"{home}/a", [b"second"], replaces=saved)
assert fs.stat(f"{home}/a") == saved
with fs.open_append(f"{home}/a") as file:
    file.write(b" and more")
    assert fs.is_being_written(f"{home}/a")
assert not fs.is_being_written(f"{home}/a")
assert read(f"{home}/a") == b"second and more"
fs.check_write(f"{home}/a")
fs.set_permission(f"{home}/a", 0o640)
fs.set_times(f"{home}/a", modified_ms=1000)
fs.set_replication(f"{home}/a", 2)
fs.recover(f"{home}/a")
assert fs.copy_access(home, shared).mode == 0o750
fs.rename(f"{home}/a", f"{home}/b")
assert [entry.name for entry in fs.list_dir(home)] == ["b"]
assert fs.usage(home).size_bytes == len(b"second and more")

# Directories that only the mounts make.
assert "data" in {entry.name for entry in fs.list_dir("/")}
assert fs.stat("/data").is_dir
assert [entry.path for entry in fs.list_dir("/data")] == ["/data/shared", "/data/spread"]
assert refused(fs.rename, "/data/shared", "/data/renamed") == errno.EACCES
assert refused(fs.stat, "/data/missing") == errno.ENOENT

# The trash takes files of both name services; a rename does not.
assert refused(fs.rename, f"{home}/b", f"{shared}/b") == errno.EXDEV
write_file(fs, f"{shared}/c", [b"shared"], replaces=None)
for path in (f"{home}/b", f"{shared}/c"):
    assert read(fs.trash(path))
    assert not fs.exists(path)
for directory in (home, shared):
    fs.delete(directory, recursive=True)
"""


@pytest.fixture(scope="module")
def federation(
    hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Federation]:
    """Routers with two mounts: one of the second name service, and one of both."""
    fs = open_hdfs(hadoop)
    for name in ("shared", "first", "second"):
        fs.mkdirs(f"/tmp/federation/{name}", 0o777)
    with router_ports() as ports:
        routers = Federation(hadoop, tmp_path_factory.mktemp("federation"), ports)
        routers.start()
    try:
        routers.mount("/data/shared", "ns1", "/tmp/federation/shared")
        routers.mount("/data/spread", "ns0", "/tmp/federation/first", order="HASH_ALL")
        routers.mount("/data/spread", "ns1", "/tmp/federation/second", order="HASH_ALL")
        with routers.introduced():
            yield routers
    finally:
        routers.stop()


@pytest.fixture
def fs(federation: Federation, monkeypatch: pytest.MonkeyPatch) -> FileSystem:
    """The federation as alice."""
    for name, value in {**federation.env(), "HADOOP_USER_NAME": "alice"}.items():
        monkeypatch.setenv(name, value)
    return open_filesystem()


def run(
    federation: Federation, *arguments: str, user: str = HUB_USER, **variables: str
) -> subprocess.CompletedProcess[str]:
    own = {"HADOOP_USER_NAME": user, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **federation.env(), **own},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def check(federation: Federation, *arguments: str, user: str = HUB_USER) -> dict[str, set[str]]:
    return verdicts(run(federation, "-m", "yarnhub", "check", *arguments, "--json", user=user))


def test_the_checks_pass(federation: Federation) -> None:
    assert check(federation, *GROUPS, "--user", "alice") == {group: {"ok"} for group in GROUPS}
    assert check(federation, "contents", "/user/alice", user="alice") == {"contents": {"ok"}}


@pytest.mark.parametrize("kind", ["native", "libhdfs"])
def test_clients_use_the_files_of_all_name_services(
    kind: Kind, hadoop: MiniHadoop, federation: Federation
) -> None:
    variables = libhdfs(hadoop) if kind == "libhdfs" else {}
    script = ("-c", USE_FILES, kind, "/data/shared")
    done = run(federation, *script, user="alice", **variables)
    assert done.returncode == 0, done.stderr


def libhdfs(hadoop: MiniHadoop) -> dict[str, str]:
    pytest.importorskip("pyarrow")
    try:
        return {"ARROW_LIBHDFS_DIR": str(libhdfs_folder(Path(hadoop.env()["JAVA_HOME"])))}
    except CannotBuild as error:
        pytest.skip(f"libhdfs is not tested: {error}")


def test_a_save_into_a_mount_of_several_name_services_is_seen_or_fails(fs: FileSystem) -> None:
    path, reasons = "/data/spread/a", []
    for number in range(30):
        before = fs.stat(path) if fs.exists(path) else None
        content = f"version {number}".encode()
        try:
            write_file(fs, path, [content], replaces=before)
        except OSError as error:
            reasons.append(error.strerror or "")
        else:
            with fs.open_read(path) as file:
                assert file.read() == content
    assert any(reason.endswith("give this directory one target") for reason in reasons)
    fs.delete(path)


@pytest.fixture(scope="module")
def hub(federation: Federation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = Hub(tmp_path_factory.mktemp("hub"), federation.env(), CONFIGURED_BY_STARTS)
    hub.start()
    yield hub
    hub.stop_servers()
    hub.stop()


def test_a_server_runs_in_an_environment_of_the_federation(
    hub: Hub, hadoop: MiniHadoop, federation: Federation, tmp_path: Path
) -> None:
    venv = make_venv(Path(sys.base_prefix), tmp_path / "venv")
    bring_along(venv, "tornado")
    done = pack_env(hadoop, venv, "--name", "federated", "--quiet", **federation.env())
    assert done.returncode == 0, done.stderr
    hub.start_server("alice", config="c.YarnSpawner.python_env = 'federated'")
    assert hub.get("/user/alice/api").json() == {"version": "light"}
    hub.stop_server("alice")


async def test_a_notebook_and_the_mount_live_in_the_federation(
    hub: Hub, federation: Federation, fs: FileSystem, fuse_device: Path
) -> None:
    variable = f"c.YarnSpawner.environment['HADOOP_CONF_DIR'] = {str(federation.client)!r}\n"
    config = configured("required", fuse_device) + variable
    async with alice_at(hub, config) as (alice, _):
        await alice.api("PUT", "contents/d", {"type": "directory"})
        for source in ("first", "second"):
            await alice.api("PUT", "contents/d/a.ipynb", notebook(source))
        checkpoint = await alice.api("POST", "contents/d/a.ipynb/checkpoints")
        await alice.api("PUT", "contents/d/a.ipynb", notebook("third"))
        await alice.request("POST", f"{API}/d/a.ipynb/checkpoints/{checkpoint['id']}")
        loaded = await alice.api("GET", "contents/d/a.ipynb")
        assert loaded["content"]["cells"][0]["source"] == "second"
        await alice.api("PATCH", "contents/d/a.ipynb", {"path": "d/b.ipynb"})
        printed = await alice.run_cell(USE_MOUNT, notebook="d/b.ipynb")
        mounts, shared, own = json.loads(printed)
        assert (mounts, shared) == (["shared", "spread"], "written by code")
        assert own == [".ipynb_checkpoints", "b.ipynb", "moved"]
        assert await alice.download("d/moved") == b"written by code"
        await alice.request("DELETE", f"{API}/d/b.ipynb")
        assert fs.exists("/user/alice/.Trash/Current/user/alice/notebooks/d/b.ipynb")
    for path in ("/user/alice/.Trash", "/user/alice/notebooks/d"):
        fs.delete(path, recursive=True)


API = "/user/alice/api/contents"

#: Moves a file into another name service and back, as `mv` does.
USE_MOUNT = """
import json, os, shutil
from pathlib import Path
root = Path("/srv/hdfs")
Path("out").write_text("written by code")
shutil.move("out", root / "data/shared/moved")
shared = (root / "data/shared/moved").read_text()
shutil.move(root / "data/shared/moved", "moved")
print(json.dumps([sorted(os.listdir(root / "data")), shared, sorted(os.listdir("."))]))
"""


def test_routers_in_safe_mode_permit_reads(federation: Federation, fs: FileSystem) -> None:
    for name in federation.daemons:
        federation.admin(name, "-safemode", "enter")
    try:
        assert fs.stat("/user/alice").is_dir
        with pytest.raises(OSError, match="the router of HDFS is in safe mode") as raised:
            fs.mkdirs("/user/alice/d")
        assert raised.value.errno == errno.EROFS
    finally:
        for name in federation.daemons:
            federation.admin(name, "-safemode", "leave")


def test_one_router_suffices_and_reports_that_the_namenode_is_away(
    hub: Hub,
    hadoop: MiniHadoop,
    federation: Federation,
    fs: FileSystem,
    wait_until: Callable[..., Any],
) -> None:
    first = next(iter(federation.daemons.values()))
    first.kill()
    try:
        assert check(federation, *GROUPS, "--user", "alice") == {group: {"ok"} for group in GROUPS}
        assert fs.stat("/user/alice").is_dir
        hadoop.namenode.kill()
        try:
            with pytest.raises(ConnectionError, match="no active NameNode for this path"):
                fs.stat("/user/alice")
            refused = hub.refuse_server("alice", NOTEBOOKS)
            assert "the router of HDFS has no active NameNode for this path" in refused
        finally:
            hadoop.namenode.start()
            hadoop.wait_ready()
        wait_until(lambda: is_writable(fs), 30, "the router has seen the NameNode")
    finally:
        first.start()
        first.wait_ready(120)


def is_writable(fs: FileSystem) -> bool:
    with suppress(OSError):
        fs.mkdirs("/user/alice")
        return True
    return False
