"""One hub for JupyterLab with the extensions of docs/extensions.md, in a packed environment.

HDFS is mounted: without that, most of them do not work.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hadoop.env_tools import ROOT, pack_env
from tests.hadoop.hub import Hub, running_hub
from yarnhub.minihadoop import MiniHadoop

#: What scripts/test makes, with the extra `extensions`.
VENV = ROOT / ".venv-extensions"
ENVIRONMENT = "extensions"
CONFIG = """
del c.YarnSpawner.cmd
c.YarnSpawner.python_env = {environment!r}
c.YarnSpawner.args = ["--allow-root", "--SessionState.save_interval=1",
    "--HTMLExporter.embed_images=True"]
c.YarnSpawner.contents_manager = "hdfs_contents.HDFSContentsManager"
c.YarnSpawner.mem_limit = "2G"
c.YarnSpawner.mount = "required"
c.YarnSpawner.environment = {{
    "YARNHUB_FUSE_DEVICE": {device!r},
    "GIT_AUTHOR_NAME": "alice",
    "GIT_AUTHOR_EMAIL": "alice@localhost",
    "GIT_COMMITTER_NAME": "alice",
    "GIT_COMMITTER_EMAIL": "alice@localhost",
}}
"""


@pytest.fixture(scope="session")
def environment(hadoop: MiniHadoop) -> str:
    """The published environment."""
    if not VENV.exists():
        pytest.fail(f"{VENV} is missing: scripts/test full makes it.")
    packed = pack_env(hadoop, VENV, "--name", ENVIRONMENT, "--quiet")
    assert packed.returncode == 0, packed.stderr
    return ENVIRONMENT


@pytest.fixture(scope="module")
def hub(
    hadoop: MiniHadoop,
    environment: str,
    fuse_device: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Hub]:
    config = CONFIG.format(environment=environment, device=str(fuse_device))
    with running_hub(tmp_path_factory.mktemp("hub"), hadoop.env(), config) as hub:
        yield hub
