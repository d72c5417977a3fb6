"""JupyterHub's own options, with the defaults and checks that they need on YARN."""

from __future__ import annotations

from typing import ClassVar

from jupyterhub.traitlets import Command
from traitlets import default, validate
from traitlets.config import LoggingConfigurable
from traitlets.utils.bunch import Bunch

#: JupyterHub's own command. jupyter-labhub of JupyterLab refuses requests with API tokens.
DEFAULT_COMMAND = "jupyterhub-singleuser"

#: Commands in configurations of the retired yarnspawner, which the default replaces.
RETIRED_COMMANDS = (
    "python -m yarnspawner.singleuser",
    "python -m yarnspawner.jupyter_labhub",
)


class JupyterHubSettings(LoggingConfigurable):
    """The options of JupyterHub that have another default on YARN, or no effect there."""

    _warned_of_port: ClassVar[bool] = False

    cmd = Command(
        [DEFAULT_COMMAND],
        help="""
        The server's command. The default is JupyterHub's own, which starts JupyterLab. A Python
        console script of the environment gets the port that the application master holds for it.
        Any other program finds its port in JUPYTERHUB_SERVICE_URL.
        """,
    ).tag(config=True)

    @default("ip")
    def _default_ip(self) -> str:
        return "0.0.0.0"

    @default("env_keep")
    def _default_env_keep(self) -> list[str]:
        return []  # the edge node's variables are not valid on other nodes

    @default("mem_limit")
    def _default_mem_limit(self) -> int:
        return 2 << 30

    @default("cpu_limit")
    def _default_cpu_limit(self) -> float:
        return 1.0

    @default("start_timeout")
    def _default_start_timeout(self) -> int:
        return 300  # a queue may be busy

    @validate("cmd")
    def _validate_cmd(self, proposal: Bunch) -> list[str]:
        command = list(proposal["value"])
        if " ".join(command) not in RETIRED_COMMANDS:
            return command
        self.log.warning(
            "c.YarnSpawner.cmd = %r is retired. %s is used instead.", command, DEFAULT_COMMAND
        )
        return [DEFAULT_COMMAND]

    @validate("port")
    def _validate_port(self, proposal: Bunch) -> int:
        if proposal["value"] and not JupyterHubSettings._warned_of_port:
            # Each server has its own spawner, and one warning is enough.
            JupyterHubSettings._warned_of_port = True
            self.log.warning(
                "c.Spawner.port = %s has no effect on YARN. Set c.YarnSpawner.port_range instead.",
                proposal["value"],
            )
        return int(proposal["value"])
