"""Servers in published environments: how the archive comes to them, and what it sets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hadoop_client.configuration import Configuration
from tests.hadoop.env_tools import bring_along, open_hdfs, pack_env
from tests.hadoop.hub import Hub
from tests.hadoop.yarn_rest import application
from tests.unit.container.test_old_python import FOUND
from tests.unit.env_packaging.prefixes import install, make_venv
from yarnhub.demo.browser import Browser
from yarnhub.minihadoop import MiniHadoop


@pytest.fixture(scope="module")
def delivered(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A published environment in which a light server runs, with a package that is activated."""
    venv = make_venv(Path(sys.base_prefix), tmp_path_factory.mktemp("delivered") / "venv")
    bring_along(venv, "tornado")
    script = venv / "etc/conda/activate.d/demo.sh"
    script.parent.mkdir(parents=True)
    script.write_text('export ACTIVATED="$CONDA_PREFIX"\n')
    done = pack_env(hadoop, venv, "--name", "delivered", "--quiet")
    assert done.returncode == 0, done.stderr
    return "delivered"


@pytest.mark.parametrize("delivery", ["archive", "file"])
def test_a_server_runs_in_its_environment_however_that_is_delivered(
    delivery: str, delivered: str, hadoop: MiniHadoop, hub: Hub
) -> None:
    hub.start_server(
        "alice",
        config=f"c.YarnSpawner.python_env = {delivered!r}\n"
        f"c.YarnSpawner.env_delivery = {delivery!r}\n",
    )
    answer = hub.get("/user/alice/environment").json()
    environment = answer["environment"]
    prefix = str(Path(answer["cwd"]).parent / "environment")
    assert environment["PATH"].split(":")[0] == f"{prefix}/bin"
    assert environment["ACTIVATED"] == environment["CONDA_PREFIX"] == prefix
    # What Spark needs to be driven from a notebook.
    assert environment["HADOOP_CONF_DIR"] == str(hadoop.conf_dir)
    assert environment["HADOOP_USER_NAME"] == "alice"
    assert Path(environment["JAVA_HOME"], "bin", "java").exists()
    archive = environment["YARNHUB_ARCHIVE"]
    assert open_hdfs(hadoop).exists(archive.removeprefix(hadoop.default_fs))
    tags = application(hadoop, hub.application_of("alice"))["applicationTags"]
    assert "yarnhub-env-" in tags


def test_a_server_on_a_node_without_a_hadoop_configuration_has_the_hubs(
    delivered: str, hadoop: MiniHadoop, hub: Hub
) -> None:
    hub.start_server(
        "alice",
        config=f"c.YarnSpawner.python_env = {delivered!r}\n"
        'c.YarnSpawner.environment = {"HADOOP_CONF_DIR": "/no/such/directory"}\n',
    )
    answer = hub.get("/user/alice/environment").json()
    directory = Path(answer["environment"]["HADOOP_CONF_DIR"])
    assert directory == Path(answer["cwd"]).parent / "hadoop_conf"
    hubs, servers = Configuration.load(hadoop.conf_dir), Configuration.load(directory)
    assert servers.hdfs == hubs.hdfs
    # The hub's files are in a directory of pytest that other users may not enter.
    assert servers.properties().items() < hubs.properties().items()


@pytest.fixture(scope="module")
def extra(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A published environment with a kernel, and with a module that only it has."""
    venv = make_venv(Path(sys.base_prefix), tmp_path_factory.mktemp("extra") / "venv")
    bring_along(venv, "ipykernel")
    install(venv, "only_here")
    done = pack_env(hadoop, venv, "--name", "extra", "--quiet")
    assert done.returncode == 0, done.stderr
    return "extra"


@pytest.mark.parametrize("delivery", ["archive", pytest.param("file", marks=pytest.mark.heavy)])
async def test_another_environment_is_a_kernel_of_the_same_server(
    delivery: str, extra: str, hub: Hub
) -> None:
    hub.start_server(
        "alice",
        config="c.YarnSpawner.cmd = ['jupyter-labhub']\n"
        "c.YarnSpawner.args = ['--allow-root']\n"
        "c.YarnSpawner.mem_limit = '1G'\n"
        f"c.YarnSpawner.extra_envs = {{'Extra (new)': {extra!r}}}\n"
        f"c.YarnSpawner.env_delivery = {delivery!r}\n",
    )
    async with Browser(hub.url, "alice") as browser:
        await browser.log_in("any")
        await browser.open_lab()
        specs = (await browser.api("GET", "kernelspecs"))["kernelspecs"]
        assert specs["yarnhub-extra-new"]["spec"]["display_name"] == "Extra (new)"
        assert "python3" in specs
        code = "import only_here, os, sys; print(sys.prefix, os.environ['PATH'], only_here.value)"
        prefix, path, value = (await browser.run_cell(code, "yarnhub-extra-new")).split()
        assert Path(prefix).name == "yarnhub-extra-new"
        assert path.split(":")[0] == f"{prefix}/bin"
        assert value == "42"
        own = await browser.run_cell("import sys; print(sys.prefix)")
        assert own.strip() == sys.prefix


@pytest.fixture(scope="module")
def own(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An environment that alice has published in her own home, which nobody else may enter."""
    venv = make_venv(Path(sys.base_prefix), tmp_path_factory.mktemp("own") / "venv")
    bring_along(venv, "tornado")
    done = pack_env(
        hadoop, *(venv, "--name", "mine", "--env-root", "/user/alice/envs", "--quiet"), user="alice"
    )
    assert done.returncode == 0, done.stderr
    return "~/mine"


def test_a_server_runs_in_an_environment_of_its_users_own(own: str, hub: Hub) -> None:
    config = f"c.YarnSpawner.python_env = {own!r}\nc.YarnSpawner.user_envs = 'envs'\n"
    hub.start_server("alice", config=config)
    answer = hub.get("/user/alice/environment").json()
    bin_folder = answer["environment"]["PATH"].split(":")[0]
    assert bin_folder == str(Path(answer["cwd"]).parent / "environment" / "bin")
    assert "There is no environment 'mine' in /user/bob/envs" in hub.refuse_server("bob", config)


def test_nobody_brings_an_environment_where_that_is_not_allowed(own: str, hub: Hub) -> None:
    config = f"c.YarnSpawner.python_env = {own!r}\n"
    message = hub.refuse_server("alice", config)
    assert "ask an administrator to set c.YarnSpawner.user_envs" in message


@pytest.mark.heavy  # it installs tornado from an index
@pytest.mark.parametrize("version", [version for version in FOUND if version >= (3, 8)])
def test_a_server_runs_in_a_python_that_is_older_than_the_hubs_may_be(
    version: tuple[int, int], hub: Hub, tmp_path: Path
) -> None:
    python = tmp_path / "venv" / "bin" / "python3"
    subprocess.run([FOUND[version], "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "tornado"], check=True)
    hub.start_server("alice", config=f"c.YarnSpawner.python_env = '{tmp_path}/venv'\n")
    answer = hub.get("/user/alice/environment").json()
    assert tuple(answer["python"]) == version
    # The application master is the server's parent.
    assert Path(answer["parent"]).samefile(FOUND[version])
    hub.stop_server("alice")
