"""What an administrator can set of YarnSpawner, and where its defaults differ from JupyterHub's."""

from __future__ import annotations

from typing import Any

from jupyterhub.traitlets import ByteSpecification
from traitlets import Float, Integer, List, TraitError, Tuple, Unicode, default, validate
from traitlets.config import Configurable

from env_packaging.registry import DEFAULT_ENV_ROOT


class YarnSpawnerSettings(Configurable):
    """The options of `c.YarnSpawner`, beside those that each spawner has."""

    python_env = Unicode(
        help="""
        The Python environment of the servers: the name of one that `yarnhub pack-env` published,
        optionally with an alias or a key (`NAME`, `NAME:ALIAS`, `NAME@KEY`), or the absolute path
        of one that is the same on every node.
        """
    ).tag(config=True)

    env_root = Unicode(
        DEFAULT_ENV_ROOT, help="The folder in HDFS that holds the published environments."
    ).tag(config=True)

    queue = Unicode("default", help="The YARN queue that servers are submitted to.").tag(
        config=True
    )

    am_overhead = ByteSpecification(
        "32M",
        help="""
        Memory of the container beyond `mem_limit`, for the application master that watches the
        server: the notebook gets all of what it was promised. May have a suffix, as `mem_limit`.
        """,
    ).tag(config=True)

    contents_manager = Unicode(
        "hdfs_contents.HDFSContentsManager",
        help="""
        The class that keeps the user's notebooks. Empty: what the environment itself configures,
        by default the local disk of the node, which is lost when the server ends.
        """,
    ).tag(config=True)

    port_range = Tuple(
        Integer(min=1, max=65535),
        Integer(min=1, max=65535),
        default_value=None,
        allow_none=True,
        help="The first and last port that servers may listen on. None: any free port.",
    ).tag(config=True)

    status_interval = Float(
        10.0,
        help="How old, in seconds, what the hub knows of its running servers may be. One call to "
        "the ResourceManager is made for all of them.",
    ).tag(config=True)

    cmd = List(
        Unicode(),
        default_value=["jupyter-labhub"],
        help="The server's command: a Python console script of the environment.",
    ).tag(config=True)

    @default("ip")
    def _default_ip(self) -> str:
        return "0.0.0.0"

    @default("env_keep")
    def _default_env_keep(self) -> list[str]:
        return []  # the edge node's environment means nothing on the others

    @default("mem_limit")
    def _default_mem_limit(self) -> int:
        return 2 << 30

    @default("cpu_limit")
    def _default_cpu_limit(self) -> float:
        return 1.0

    @default("start_timeout")
    def _default_start_timeout(self) -> int:
        return 300  # a queue may be busy

    @validate("port_range")
    def _validate_port_range(self, proposal: Any) -> tuple[int, int] | None:
        if proposal["value"] and proposal["value"][0] > proposal["value"][1]:
            raise TraitError("c.YarnSpawner.port_range: the first port is above the last one.")
        return proposal["value"]
