"""Options of the contents manager reach a server in its environment, or from the hub."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.hadoop.env_tools import bring_along, open_hdfs, pack_env
from tests.hadoop.hub import REAL_SERVER, Hub
from tests.unit.env_packaging.prefixes import make_venv, write
from yarnhub.demo.browser import Browser
from yarnhub.minihadoop import MiniHadoop

NOTEBOOKS = f"{REAL_SERVER}c.YarnSpawner.contents_manager = 'hdfs_contents.HDFSContentsManager'\n"
TRASH = "/user/alice/.Trash/Current/user/alice/notebooks"
FROM_THE_HUB = "c.YarnSpawner.args.append('--HDFSContentsManager.delete_to_trash=False')\n"


@pytest.fixture(scope="module")
def elsewhere(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The configuration of servers whose environment has a configuration of its own."""
    venv = make_venv(Path(sys.base_prefix), tmp_path_factory.mktemp("configured") / "venv")
    bring_along(venv, "jupyterhub", "jupyter_server", "hdfs-native", "pybase64", "yarnhub")
    program = venv / "bin" / "jupyterhub-singleuser"
    write(program, f"#!{venv}/bin/python\nfrom jupyterhub.singleuser import main\nmain()\n", 0o755)
    config = venv / "etc" / "jupyter" / "jupyter_server_config.py"
    write(config, "c.HDFSContentsManager.root_dir_template = '/user/{username}/elsewhere'\n")
    done = pack_env(hadoop, venv, "--name", "configured", "--quiet")
    assert done.returncode == 0, done.stderr
    return "c.YarnSpawner.python_env = 'configured'\nc.YarnSpawner.env_delivery = 'file'\n"


async def is_in_the_trash(hub: Hub, config: str, hadoop: MiniHadoop, name: str) -> bool:
    """Save a file in alice's server and delete it there; return whether it is in the trash."""
    hub.start_server("alice", config=config)
    async with Browser(hub.url, "alice") as browser:
        await browser.log_in("any")
        await browser.request("GET", "/user/alice/")
        whole = {"type": "file", "format": "text", "content": "gone?"}
        await browser.api("PUT", f"contents/{name}", whole)
        await browser.api("DELETE", f"contents/{name}")
    return open_hdfs(hadoop).exists(f"{TRASH}/{name}")


async def test_what_is_deleted_goes_to_the_trash_by_default(hub: Hub, hadoop: MiniHadoop):
    assert await is_in_the_trash(hub, NOTEBOOKS, hadoop, "default.txt")


async def test_the_hub_gives_options_on_the_command_line(hub: Hub, hadoop: MiniHadoop):
    assert not await is_in_the_trash(hub, NOTEBOOKS + FROM_THE_HUB, hadoop, "by_hub.txt")


def test_an_environment_brings_options_in_its_prefix(elsewhere: str, hub: Hub, hadoop: MiniHadoop):
    hub.start_server("alice", config=NOTEBOOKS + elsewhere)
    assert open_hdfs(hadoop).exists("/user/alice/elsewhere")
