"""The hub's settings, from a jupyterhub_config.py that is read as JupyterHub reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from env_packaging.registry import DEFAULT_ENV_ROOT
from yarnhub.errors import ToolError

if TYPE_CHECKING:
    from traitlets.config.loader import Config

ANY_ADDRESS = ("0.0.0.0", "::", "*")


class ConfigFileError(ToolError):
    """The hub's configuration file cannot be read."""

    exit_code = 2


@dataclass(frozen=True)
class HubSettings:
    """The settings that are checked, with the spawner's defaults.

    `hub_host` is empty if the hub uses this machine's own name. `allowed_users` are Hadoop's names.
    """

    python_env: str = ""
    env_root: str = DEFAULT_ENV_ROOT
    queue: str = "default"
    keytab: str = ""
    principal: str = ""
    create_hdfs_home: bool = False
    launcher: str = "direct"
    env_delivery: str = "archive"
    allowed_users: tuple[str, ...] = ()
    hub_host: str = ""
    hub_port: int = 8081


def read_settings(file: Path | None) -> HubSettings:
    """Run a jupyterhub_config.py as JupyterHub does; returns the defaults if there is none."""
    if file is None:
        return HubSettings()
    from traitlets.config.loader import PyFileConfigLoader

    try:
        config = PyFileConfigLoader(file.name, path=str(file.parent.absolute())).load_config()
        allowed = _allowed_users(config)
    except Exception as error:  # The file is a program, which can raise anything.
        raise ConfigFileError(
            f"{file} could not be read: {type(error).__name__}: {error}. Correct it first."
        ) from error
    spawner = config.YarnSpawner
    host, port = _hub_address(config.JupyterHub)
    return HubSettings(
        **{name: spawner[name] for name in HubSettings.__dataclass_fields__ if name in spawner},
        allowed_users=allowed,
        hub_host=host,
        hub_port=port,
    )


def _allowed_users(config: Config) -> tuple[str, ...]:
    """Return the Hadoop names of all users that the configuration lists."""
    allowed = config.Authenticator.get("allowed_users")
    if not isinstance(allowed, (set, list, tuple)):
        return ()
    name_in_hadoop = config.YarnSpawner.get("hadoop_name_hook") or str
    return tuple(sorted(map(name_in_hadoop, allowed)))


def _hub_address(hub: Config) -> tuple[str, int]:
    """Return the address that servers call the hub at, by JupyterHub's own precedence."""
    connect = urlsplit(hub.get("hub_connect_url") or "")
    bind = urlsplit(hub.get("hub_bind_url") or "")
    host = connect.hostname or hub.get("hub_connect_ip") or bind.hostname or hub.get("hub_ip") or ""
    port = connect.port or bind.port or hub.get("hub_port") or HubSettings.hub_port
    return ("" if host in ANY_ADDRESS else str(host)), int(port)
