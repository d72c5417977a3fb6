"""What the hub would use: from its jupyterhub_config.py, read as JupyterHub reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from env_packaging.registry import DEFAULT_ENV_ROOT

ANY_ADDRESS = ("0.0.0.0", "::", "*")


class ConfigFileError(Exception):
    """The hub's configuration can't be read."""

    exit_code = 2


@dataclass(frozen=True)
class HubSettings:
    """The settings that checks look at, with the spawner's defaults; `hub_host` is empty where the
    hub has this machine's own name for itself, `allowed_users` are their names in Hadoop."""

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
    """Run a jupyterhub_config.py, as JupyterHub does; the defaults where there is none."""
    if file is None:
        return HubSettings()
    from traitlets.config.loader import PyFileConfigLoader

    try:
        config = PyFileConfigLoader(file.name, path=str(file.parent.absolute())).load_config()
        allowed = _allowed_users(config)
    except Exception as error:  # the file is a program: it can fail in any way
        raise ConfigFileError(
            f"{file} can't be read: {type(error).__name__}: {error}. Correct it first."
        ) from error
    spawner = config.YarnSpawner
    host, port = _hub_address(config.JupyterHub)
    return HubSettings(
        **{name: spawner[name] for name in HubSettings.__dataclass_fields__ if name in spawner},
        allowed_users=allowed,
        hub_host=host,
        hub_port=port,
    )


def _allowed_users(config: Any) -> tuple[str, ...]:
    """Return the names in Hadoop of all who may log in, as far as they are named."""
    allowed = config.Authenticator.get("allowed_users")
    if not isinstance(allowed, (set, list, tuple)):
        return ()
    name_in_hadoop = config.YarnSpawner.get("hadoop_name_hook") or str
    return tuple(sorted(map(name_in_hadoop, allowed)))


def _hub_address(hub: dict[str, Any]) -> tuple[str, int]:
    """Return where servers call the hub, in JupyterHub's own order of what counts."""
    connect = urlsplit(hub.get("hub_connect_url") or "")
    bind = urlsplit(hub.get("hub_bind_url") or "")
    host = connect.hostname or hub.get("hub_connect_ip") or bind.hostname or hub.get("hub_ip") or ""
    port = connect.port or bind.port or hub.get("hub_port") or HubSettings.hub_port
    return ("" if host in ANY_ADDRESS else str(host)), int(port)
