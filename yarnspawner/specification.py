"""From a spawner and what the cluster says to the application that is asked for.

What an administrator's settings name is looked up here; what follows from it is decided in
`launch`, which does no I/O.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from jupyterhub.utils import maybe_future, url_escape_path

from yarnspawner import callback, certificates, localize, renewal
from yarnspawner.container.payload import TOKENS_FILE, Launch
from yarnspawner.environments import LOCALIZED, PythonEnvironment, find_environment
from yarnspawner.failures import OptionsRefused
from yarnspawner.homes import HomePolicy, homes_of
from yarnspawner.identity import check_user
from yarnspawner.kernels import FOLDER, check_titles, kernel_files, kernel_name
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

OWN = "~/"
"""Begins the name of an environment that is the user's own."""
ARCHIVE_VARIABLE = "YARNHUB_ARCHIVE"
"""Names the published environment's archive to the server: Spark brings it to its executors."""


async def launch_spec(spawner: YarnSpawner, yarn: Yarn, spawn_tag: str) -> LaunchSpec:
    """Return the application for a start of a server; raises `SpawnFailure`."""
    user = spawner.hadoop_name
    check_user(user, yarn.hub_user, spawner.forbidden_users)
    if yarn.homes is not None and (spawner.contents_manager or spawner.create_hdfs_home):
        await yarn.homes.ensure(
            user,
            HomePolicy(spawner.create_hdfs_home, spawner.hdfs_home_mode, spawner.hdfs_home_quota),
        )
    filesystem = yarn.configuration.default_filesystem
    wanted = localize.parse(spawner.localize_files, filesystem)
    environment = await _environment(spawner, yarn)
    kernels = await _kernels(spawner, yarn)
    files = await asyncio.to_thread(localize.local_files, wanted)
    environments = [environment, *kernels.values()]
    spec = LaunchSpec(
        user=user,
        name=f"jupyterhub-{user}" + (f"-{spawner.name}" if spawner.name else ""),
        queue=spawner.queue,
        memory_mb=container_memory_mb(spawner.mem_limit, spawner.am_overhead),
        vcores=container_vcores(spawner.cpu_limit),
        resources={GPU: spawner.gpus} if spawner.gpus else {},
        tags=(yarn.tag, spawn_tag, *_tags(environments), *spawner.tags),
        node_label=spawner.node_label,
        priority=spawner.priority,
        lifetime_seconds=spawner.lifetime,
        python=environment.python,
        files=(
            *(each.archive for each in environments if each.archive),
            *await localize.remote_files(wanted),
        ),
        viewers=(yarn.hub_user, *spawner.viewers),
        launch=_launch(spawner, yarn, environment, files, kernels),
    )
    if spawner.modify_spec_hook is not None:
        spec = await maybe_future(spawner.modify_spec_hook(spawner, spec))
    return spec


async def _environment(spawner: YarnSpawner, yarn: Yarn) -> PythonEnvironment:
    if not spawner.python_env and ENVIRONMENT_LINK in spawner.localize_files:
        return LOCALIZED
    return await _find(spawner, yarn, spawner.python_env, ENVIRONMENT_LINK)


async def _find(spawner: YarnSpawner, yarn: Yarn, python_env: str, link: str) -> PythonEnvironment:
    """Find an environment: the site's, or the user's own where that is allowed."""
    env_root, owner = spawner.env_root, ""
    if python_env.startswith(OWN):
        if not spawner.user_envs:
            raise OptionsRefused(
                f"{python_env} is an environment of your own, and JupyterHub takes none here: "
                "choose another, or ask an administrator to set c.YarnSpawner.user_envs."
            )
        owner = spawner.hadoop_name
        env_root = f"{homes_of(yarn.configuration)}/{owner}/{spawner.user_envs.strip('/')}"
        python_env = python_env.removeprefix(OWN)
    return await find_environment(
        python_env,
        env_root,
        yarn.configuration.default_filesystem,
        as_file=spawner.env_delivery == "file",
        link=link,
        owner=owner,
    )


async def _kernels(spawner: YarnSpawner, yarn: Yarn) -> dict[str, PythonEnvironment]:
    """Find the environments that come as kernels, by their titles."""
    check_titles(spawner.extra_envs)
    return {
        title: await _find(spawner, yarn, python_env, kernel_name(title))
        for title, python_env in spawner.extra_envs.items()
    }


def _tags(environments: Iterable[PythonEnvironment]) -> list[str]:
    """Return each tag once: two of the environments may be the same."""
    return list(dict.fromkeys(tag for each in environments for tag in each.tags))


def _launch(
    spawner: YarnSpawner,
    yarn: Yarn,
    python: PythonEnvironment,
    files: dict[str, bytes],
    kernels: dict[str, PythonEnvironment],
) -> Launch:
    command = [*spawner.cmd, *spawner.get_args()]
    environment = {name: str(value) for name, value in spawner.get_env().items()}
    if python.archive is not None:
        environment.setdefault(ARCHIVE_VARIABLE, str(python.archive.url))
    paths = {
        variable: certificates.container_path(name)
        for name, variable in certificates.VARIABLES.items()
        if environment.pop(variable, None)
    }
    names = spawner.user.escaped_name, url_escape_path(spawner.name)
    for title, each in kernels.items():
        files.update(kernel_files(title, each.python))
        paths["JUPYTER_PATH"] = FOLDER
    if yarn.tokens is not None:
        paths["HADOOP_TOKEN_FILE_LOCATION"] = TOKENS_FILE
    return Launch(
        command=command,
        environment=environment,
        schedulers=yarn.configuration.scheduler_addresses(),
        ip=spawner.ip,
        port_range=spawner.port_range,
        script=launch_script(spawner.script_template, spawner.prologue, spawner.epilogue, command),
        files={**files, **spawner.certificates},
        paths=paths,
        report_path=callback.path(*names) if spawner.launcher == "skein" else "",
        token_path=renewal.path(*names) if yarn.tokens is not None else "",
        token_refresh_seconds=_refresh_seconds(spawner, yarn),
    )


def _refresh_seconds(spawner: YarnSpawner, yarn: Yarn) -> float:
    if yarn.tokens is None:
        return 0.0
    return spawner.token_refresh_interval or yarn.tokens.refresh_seconds
