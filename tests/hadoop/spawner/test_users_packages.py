"""What a user installs in a server: packages that are kept, and an environment of their own."""

from __future__ import annotations

import sys
import sysconfig
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hadoop.env_tools import bring_along, open_hdfs, pack_env
from tests.hadoop.hub import Hub
from tests.unit.env_packaging.prefixes import make_venv
from yarnhub.demo.browser import Browser
from yarnhub.minihadoop import MiniHadoop

# A whole environment is packed, unpacked on a node, and packed there again.
pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def packing(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An environment with a real server, and with what installs and packs packages."""
    venv = make_venv(Path(sys.base_prefix), tmp_path_factory.mktemp("packing") / "venv")
    bring_along(venv, "yarnhub[notebook,pack]", "pip")
    done = pack_env(hadoop, venv, "--name", "packing", "--quiet")
    assert done.returncode == 0, done.stderr
    return "packing"


LAB = """
c.YarnSpawner.cmd = ["jupyter-labhub"]
c.YarnSpawner.args = ["--allow-root"]
c.YarnSpawner.mem_limit = "1G"
c.YarnSpawner.contents_manager = "hdfs_contents.HDFSContentsManager"
c.YarnSpawner.user_envs = "envs"
"""


@asynccontextmanager
async def alice_in(hub: Hub, environment: str) -> AsyncIterator[Browser]:
    """Start alice's server in an environment; it is stopped after the block."""
    hub.start_server("alice", config=f"{LAB}c.YarnSpawner.python_env = {environment!r}\n")
    async with Browser(hub.url, "alice") as alice:
        await alice.log_in("any")
        await alice.open_lab()
        yield alice
    hub.stop_server("alice")


#: The cells of docs/environments.md, each on its own because each has a time limit.
PACK = (
    "import sys\n!cp -a {sys.prefix}/. ~/mine && chmod -R u+w ~/mine",
    "!PIP_USER=0 ~/mine/bin/python -s -m pip install -q --no-index WHEEL",
    "!yarnhub pack-env ~/mine --name mine",
)


def wheel(directory: Path, name: str) -> Path:
    """Make a package with one module."""
    path = directory / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "value = 42\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


async def test_a_user_packs_an_environment_in_a_notebook_and_starts_in_it(
    packing: str, hub: Hub, tmp_path: Path
) -> None:
    async with alice_in(hub, packing) as alice:
        demo = wheel(tmp_path, "own_demo")
        for cell in PACK:
            shown = await alice.run_cell(cell.replace("WHEEL", str(demo)))
    assert "Published mine:latest" in shown, shown
    assert "The next server can start in it, as ~/mine." in shown
    async with alice_in(hub, "~/mine") as alice:
        code = "import own_demo, sys; print(own_demo.value, sys.prefix)"
        value, prefix = (await alice.run_cell(code)).split()
    assert (value, Path(prefix).name) == ("42", "environment")


async def test_a_package_that_is_installed_in_a_notebook_is_in_the_next_server(
    packing: str,
    hub: Hub,
    hadoop: MiniHadoop,
    tmp_path: Path,
    wait_until: Callable[..., Any],
) -> None:
    demo = wheel(tmp_path, "kept_demo")
    fs = open_hdfs(hadoop)
    directory = f"/user/alice/.yarnhub/packages/{sysconfig.get_config_var('SOABI')}"
    code = "import kept_demo; print(kept_demo.value, kept_demo.__file__)"
    async with alice_in(hub, packing) as alice:
        shown = await alice.run_cell(f"%pip install -q --no-index {demo}\n{code}")
        assert shown.split()[-2] == "42", shown
        wait_until(lambda: fs.exists(f"{directory}/default.tar.gz"), 60, "the archive")
        listed = await alice.run_cell("!yarnhub envs packages list")
        assert "kept_demo 1.0" in listed
    assert [fs.stat(path).mode for path in (directory, f"{directory}/default.tar.gz")] == [
        *(0o700, 0o600)
    ]
    async with alice_in(hub, packing) as alice:
        value, file = (await alice.run_cell(code)).split()
        assert (value, Path(file).parents[3].name) == ("42", "packages")
        assert "Removed" in await alice.run_cell("!yarnhub envs packages clean")
    assert not fs.exists(f"{directory}/default.tar.gz")
    async with alice_in(hub, packing) as alice:
        find = "import importlib.util; print(importlib.util.find_spec('kept_demo'))"
        assert (await alice.run_cell(find)).strip() == "None"
