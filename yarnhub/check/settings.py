"""The hub's settings, from a jupyterhub_config.py that is read as JupyterHub reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from env_packaging.registry import DEFAULT_ENV_ROOT
from yarnhub.errors import ToolError

if TYPE_CHECKING:
    from traitlets.config.loader import Config


class ConfigFileError(ToolError):
    """The hub's configuration file cannot be read."""

    exit_code = 2


@dataclass(frozen=True)
class HubSettings:
    """The settings that are checked, with the spawner's defaults.

    `allowed_users` are Hadoop's names. `config` is the whole configuration; None without a file.
    """

    python_env: str = ""
    env_root: str = DEFAULT_ENV_ROOT
    queue: str = "default"
    keytab: str = ""
    principal: str = ""
    create_hdfs_home: bool = False
    launcher: str = "direct"
    env_delivery: str = "archive"
    mount: str = "auto"
    mount_path: str = "/srv/hdfs"
    contents_manager: str = "hdfs_contents.HDFSContentsManager"
    hdfs: str = ""
    profiles: object = ()
    localize_files: object = ()
    node_label: str = ""
    gpus: int = 0
    cpu_limit: float | None = None
    cmd: object = None
    mem_limit: int | str = 2 << 30
    am_overhead: int | str = "72M"
    am_overhead_in_mem_limit: bool = False
    allowed_users: tuple[str, ...] = ()
    config: Config | None = field(default=None, compare=False)

    @property
    def missing_environment(self) -> str:
        """Why there is no environment to check; empty if `python_env` names one."""
        if self.python_env:
            return ""
        if self.config is None:
            return "No c.YarnSpawner.python_env is set: give the hub's configuration with --config."
        return "The hub's configuration sets no c.YarnSpawner.python_env."

    @property
    def may_bring_environment(self) -> bool:
        """Whether profiles or localized files may bring the servers' environment."""
        from yarnspawner.launch.spec import ENVIRONMENT_LINK

        files = self.localize_files
        return bool(self.profiles) or (isinstance(files, dict) and ENVIRONMENT_LINK in files)

    @property
    def needs_hdfs(self) -> bool:
        """Whether servers keep notebooks, or find their environment, in HDFS."""
        return bool(self.contents_manager) or not self.python_env.startswith("/")


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
    return HubSettings(
        **{name: spawner[name] for name in HubSettings.__dataclass_fields__ if name in spawner},
        allowed_users=allowed,
        config=config,
    )


def _allowed_users(config: Config) -> tuple[str, ...]:
    """Return the Hadoop names of all users that the configuration lists."""
    allowed = config.Authenticator.get("allowed_users")
    if not isinstance(allowed, (set, list, tuple)):
        return ()
    name_in_hadoop = config.YarnSpawner.get("hadoop_name_hook") or str
    return tuple(sorted(map(name_in_hadoop, allowed)))
