"""From a spawner and what the cluster says to the application that is asked for.

What an administrator's settings name is looked up here; what follows from it is decided in
`launch`, which does no I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub.utils import maybe_future, url_escape_path

from yarnspawner import callback, certificates, localize
from yarnspawner.container.payload import Launch
from yarnspawner.environments import LOCALIZED, PythonEnvironment, find_environment
from yarnspawner.homes import HomePolicy
from yarnspawner.identity import check_user
from yarnspawner.launch import (
    ENVIRONMENT_LINK,
    GPU,
    LaunchSpec,
    container_memory_mb,
    container_vcores,
    launch_script,
)
from yarnspawner.yarn import Yarn

if TYPE_CHECKING:
    from yarnspawner.spawner import YarnSpawner


async def launch_spec(spawner: YarnSpawner, yarn: Yarn, spawn_tag: str) -> LaunchSpec:
    """Return the application for a start of a server; raises `SpawnFailure`."""
    user = spawner.user.name
    check_user(user, yarn.hub_user, spawner.forbidden_users)
    if yarn.homes is not None and (spawner.contents_manager or spawner.create_hdfs_home):
        await yarn.homes.ensure(
            user,
            HomePolicy(spawner.create_hdfs_home, spawner.hdfs_home_mode, spawner.hdfs_home_quota),
        )
    filesystem = yarn.configuration.default_filesystem
    wanted = localize.parse(spawner.localize_files, filesystem)
    environment = await _environment(spawner, filesystem)
    archives = [environment.archive] if environment.archive else []
    spec = LaunchSpec(
        user=user,
        name=f"jupyterhub-{user}" + (f"-{spawner.name}" if spawner.name else ""),
        queue=spawner.queue,
        memory_mb=container_memory_mb(spawner.mem_limit, spawner.am_overhead),
        vcores=container_vcores(spawner.cpu_limit),
        resources={GPU: spawner.gpus} if spawner.gpus else {},
        tags=(yarn.tag, spawn_tag, *spawner.tags),
        node_label=spawner.node_label,
        priority=spawner.priority,
        lifetime_seconds=spawner.lifetime,
        python=environment.python,
        files=(*archives, *await localize.remote_files(wanted)),
        viewers=(yarn.hub_user, *spawner.viewers),
        launch=_launch(spawner, yarn, localize.local_files(wanted)),
    )
    if spawner.modify_spec_hook is not None:
        spec = await maybe_future(spawner.modify_spec_hook(spawner, spec))
    return spec


async def _environment(spawner: YarnSpawner, filesystem: str) -> PythonEnvironment:
    if not spawner.python_env and ENVIRONMENT_LINK in spawner.localize_files:
        return LOCALIZED
    return await find_environment(spawner.python_env, spawner.env_root, filesystem)


def _launch(spawner: YarnSpawner, yarn: Yarn, files: dict[str, bytes]) -> Launch:
    command = [*spawner.cmd, *spawner.get_args()]
    environment = {name: str(value) for name, value in spawner.get_env().items()}
    paths = {
        variable: certificates.container_path(name)
        for name, variable in certificates.VARIABLES.items()
        if environment.pop(variable, None)
    }
    return Launch(
        command=command,
        environment=environment,
        schedulers=yarn.configuration.scheduler_addresses(),
        ip=spawner.ip,
        port_range=spawner.port_range,
        script=launch_script(spawner.script_template, spawner.prologue, spawner.epilogue, command),
        files={**files, **spawner.certificates},
        paths=paths,
        report_path=_report_path(spawner),
    )


def _report_path(spawner: YarnSpawner) -> str:
    if spawner.launcher != "skein":
        return ""
    return callback.path(spawner.user.escaped_name, url_escape_path(spawner.name))
