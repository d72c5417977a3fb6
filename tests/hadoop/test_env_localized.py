"""A packed environment where it is to run: in a YARN container, and as another user."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from env_packaging.registry import DEFAULT_ENV_ROOT, PublishedEnvironment, resolve
from tests.hadoop.env_tools import as_somebody_else, bring_along, download, open_hdfs, pack_env
from tests.unit.env_packaging.prefixes import copy_python, install, make_venv, unpack
from yarnhub.minihadoop import MiniHadoop

WHERE = "import demo, ssl, sqlite3, sys; print(sys.prefix, sys.base_prefix, demo.value)"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that other users may enter."""
    with tempfile.TemporaryDirectory(prefix="envs-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)


def test_a_container_runs_the_environment_that_yarn_unpacked_for_all(
    hadoop: MiniHadoop, tmp_path: Path, wait_until: Callable[..., object]
) -> None:
    python = copy_python(tmp_path / "python")
    venv = make_venv(python, tmp_path / "venv")
    install(venv, "demo")
    assert pack_env(hadoop, venv, "--name", "localized", "--quiet").returncode == 0
    shutil.rmtree(venv)
    shutil.rmtree(python)
    published = resolve(open_hdfs(hadoop), DEFAULT_ENV_ROOT, "localized")
    assert published.public
    output = tmp_path / "output"
    command = f"PATH=$PWD/environment/bin:$PATH python -c '{WHERE}' > {output}.part 2>&1"
    _submit(hadoop, published, f"{command}; mv {output}.part {output}")
    wait_until(output.exists, 60, "the container's output")
    prefix, base_prefix, value = output.read_text().split()
    assert prefix == base_prefix
    assert prefix.endswith("/environment")
    assert value == "42"


def _submit(hadoop: MiniHadoop, environment: PublishedEnvironment, command: str) -> None:
    """Runs a command as alice in a container that has the environment; over REST, as a client of
    YARN that isn't ours."""
    url = f"{hadoop.resourcemanager_url}/ws/v1/cluster/apps"
    application = _post(f"{url}/new-application?user.name=alice", {})["application-id"]
    archive = {
        "resource": hadoop.default_fs + environment.path,
        "type": "ARCHIVE",
        "visibility": "PUBLIC",
        "size": environment.size_bytes,
        "timestamp": environment.modification_time_ms,
    }
    wanted = {
        "application-id": application,
        "application-name": "environment",
        "max-app-attempts": 1,
        "resource": {"memory": 256, "vCores": 1},
        "am-container-spec": {
            "commands": {"command": command},
            "local-resources": {"entry": [{"key": "environment", "value": archive}]},
        },
    }
    _post(f"{url}?user.name=alice", wanted)


def _post(url: str, body: dict[str, object]) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as response:
        return json.loads(response.read() or b"{}")


def test_jupyterlab_runs_for_somebody_else_where_nothing_of_the_source_is(
    hadoop: MiniHadoop, open_folder: Path, tmp_path: Path
) -> None:
    venv = make_venv(Path(sys.base_prefix), tmp_path / "venv")
    bring_along(venv, "jupyterlab")
    done = pack_env(hadoop, venv, "--name", "jupyterlab", "--quiet")
    assert done.returncode == 0, done.stderr
    venv.rename(tmp_path / "moved away")
    hdfs = open_hdfs(hadoop)
    published = resolve(hdfs, DEFAULT_ENV_ROOT, "jupyterlab")
    archive = download(hdfs, published.path, tmp_path / "archive.tar.gz")
    environment = unpack(archive, open_folder / "another place" / "environment")
    files = sorted(environment.rglob("*"))

    script = "import jupyterlab, ssl, sqlite3, sys; print(sys.prefix)"
    assert as_somebody_else(environment, "-c", script).stdout.strip() == str(environment)
    version = as_somebody_else(environment, "-m", "jupyterlab", "--version").stdout.strip()
    packages = {package.name: package for package in published.manifest.packages}
    assert version == packages["jupyterlab"].version
    imports = as_somebody_else(environment, "-v", "-c", "import jupyterlab.labapp").stderr
    loaded = re.findall(r"# code object from (.*)", imports)
    assert len(loaded) > 100
    assert [each for each in loaded if not each.endswith(".pyc'")] == []
    assert sorted(environment.rglob("*")) == files
