"""HDFS as a directory of the server: what the file browser shows is what code sees."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.containers import command, processes_of
from tests.hadoop.env_tools import open_hdfs
from tests.hadoop.hub import Hub
from tests.hadoop.mounted_server import alice_at, configured
from yarnhub.minihadoop import MiniHadoop

FOLDER = "mounted"
GIT = "git --no-pager -c user.name=alice -c user.email=alice@localhost"


@pytest.fixture
def mounted(fuse_device: Path) -> str:
    """The configuration of servers that mount."""
    return configured("required", fuse_device)


@pytest.fixture
def folder(hadoop: MiniHadoop) -> Iterator[str]:
    """An empty directory of alice's notebooks, by its path in the contents API."""
    fs = open_hdfs(hadoop)
    yield FOLDER
    fs.delete(f"/user/alice/notebooks/{FOLDER}", recursive=True)


def daemons(application_id: str) -> list[int]:
    """The processes that serve the mount of an application's container."""
    processes = processes_of(application_id)
    return [process for process in processes if b"hdfs_contents.mount" in command(process)]


async def test_code_terminals_and_the_file_browser_see_the_same_files(
    hub: Hub,
    hadoop: MiniHadoop,
    mounted: str,
    folder: str,
    node_of: Callable[..., Any],
    wait_until: Callable[..., Any],
):
    notebook = f"{folder}/a.ipynb"
    async with alice_at(hub, mounted) as (alice, application_id):
        await alice.api("PUT", f"contents/{folder}", {"type": "directory"})
        helper = {"type": "file", "format": "text", "content": "ANSWER = 42\n"}
        await alice.api("PUT", f"contents/{folder}/helper.py", helper)
        code = (
            "import os, helper\n"
            "with open('out.txt', 'w') as file: file.write(f'written {helper.ANSWER}\\n')\n"
            "print(os.getcwd(), os.path.realpath(os.path.expanduser('~/hdfs')))"
        )
        cwd, link = (await alice.run_cell(code, notebook=notebook)).split()
        assert cwd == f"/srv/hdfs/user/alice/notebooks/{folder}"
        assert link == "/srv/hdfs"
        listed = await alice.api("GET", f"contents/{folder}")
        assert {entry["name"] for entry in listed["content"]} >= {"helper.py", "out.txt"}
        assert await alice.download(f"{folder}/out.txt") == b"written 42\n"
        assert await alice.run_in_terminal("grep -c written out.txt", folder) == "1"
        python = await alice.run_cell("import shutil; print(shutil.which('python'))")
        assert await alice.run_in_terminal("command -v python") == python.strip()
        assert await alice.run_in_terminal("pwd") == "/srv/hdfs/user/alice/notebooks"
        commit = f"{GIT} init -q . && {GIT} add out.txt && {GIT} commit -q -m first"
        await alice.run_in_terminal(commit, folder)
    node = node_of(application_id)
    node.stop()
    try:
        application_id = await read_again(hub, mounted, folder)
        assert node_of(application_id) is not node
    finally:
        node.start()
        hadoop.wait_ready()
    wait_until(lambda: daemons(application_id) == [], 30, "the end of the daemon")


async def read_again(hub: Hub, mounted: str, folder: str) -> str:
    """Read what the last server has left; returns the application's id."""
    async with alice_at(hub, mounted) as (alice, application_id):
        notebook = f"{folder}/a.ipynb"
        read = await alice.run_cell("print(open('out.txt').read())", notebook=notebook)
        assert read.strip() == "written 42"
        assert await alice.run_in_terminal(f"{GIT} log --format=%s", folder) == "first"
    return application_id


async def test_a_killed_daemon_is_replaced_on_the_same_mount(
    hub: Hub, hadoop: MiniHadoop, mounted: str, folder: str, wait_until: Callable[..., Any]
):
    async with alice_at(hub, mounted) as (alice, application_id):
        await alice.api("PUT", f"contents/{folder}", {"type": "directory"})
        (daemon,) = wait_until(lambda: daemons(application_id), 30, "the daemon")
        os.kill(daemon, signal.SIGKILL)
        wait_until(lambda: set(daemons(application_id)) - {daemon}, 30, "another daemon")
        await alice.run_in_terminal("echo again > out.txt", folder)
        assert await alice.download(f"{folder}/out.txt") == b"again\n"


async def test_a_shared_directory_is_the_same_for_code_terminals_and_the_file_browser(
    hub: Hub, hadoop: MiniHadoop, mounted: str
):
    fs = open_hdfs(hadoop)
    fs.mkdirs("/shared/team", 0o777)
    with fs.open_write("/shared/team/theirs.txt", 0o644) as file:
        file.write(b"of another user")
    argument = "--HDFSContentsManager.shared_dirs=team=/shared/team"
    config = f"{mounted}c.YarnSpawner.args.append({argument!r})\n"
    async with alice_at(hub, config) as (alice, _):
        saved = {"type": "file", "format": "text", "content": "of alice"}
        await alice.api("PUT", "contents/team/saved.txt", saved)
        code = (
            "with open('written.txt', 'w') as file: file.write('by code')\n"
            "print(open('theirs.txt').read(), '+', open('saved.txt').read())"
        )
        printed = await alice.run_cell(code, notebook="team/a.ipynb")
        assert printed.strip() == "of another user + of alice"
        assert await alice.download("team/written.txt") == b"by code"
        assert await alice.run_in_terminal("cat team/written.txt") == "by code"
        found = await alice.run_in_terminal("rm -rf team; ls team")
        assert "theirs.txt" in found.split()
    assert fs.stat("/shared/team/written.txt").owner == "alice"
    fs.delete("/shared", recursive=True)


@pytest.mark.parametrize("mount", ["auto", "off"])
async def test_kernels_start_in_a_visible_scratch_directory_without_a_mount(
    hub: Hub, hadoop: MiniHadoop, mount: str
):
    async with alice_at(hub, configured(mount, "/dev/no-such-device")) as (alice, _):
        code = "import os; open('out.txt', 'w').close(); print(os.getcwd())"
        cwd = (await alice.run_cell(code, notebook="a.ipynb")).strip()
        assert cwd.endswith("/local/scratch-lost-at-stop")
        listed = await alice.api("GET", "contents/scratch-lost-at-stop")
        assert {entry["name"] for entry in listed["content"]} == {"README.md", "out.txt"}
        python = await alice.run_cell("import shutil; print(shutil.which('python'))")
        assert await alice.run_in_terminal("command -v python") == python.strip()
        assert await alice.run_in_terminal("pwd") == cwd
        readme = (await alice.download("scratch-lost-at-stop/README.md")).decode()
        assert ("/dev/no-such-device" in readme) is (mount == "auto")


def test_a_server_that_requires_a_mount_fails_with_the_reason(hub: Hub):
    refused = hub.refuse_server("alice", configured("required", "/dev/no-such-device"))
    assert "/dev/no-such-device" in refused
