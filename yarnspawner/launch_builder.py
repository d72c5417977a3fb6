"""The `LaunchSpec` of a start, from the spawner's settings, JupyterHub's request and the cluster.

The files and environments that the settings name are looked up here. `launch.spec` decides what
follows from them, without I/O.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jupyterhub.utils import url_escape_path

from env_packaging.registry import DEFAULT_ENV_ROOT, ENV_ROOT_VARIABLE, OWN, OWN_ENVS_VARIABLE
from hadoop_client.printable import printable
from yarnspawner.container.hub import parse_api_url
from yarnspawner.container.payload import TOKENS_FILE, Launch
from yarnspawner.failures import OptionsError
from yarnspawner.hub import token_endpoint
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.homes import HomePolicy
from yarnspawner.lab.facts import FACTS_VARIABLE, ServerFacts
from yarnspawner.launch import certificates, localized_files
from yarnspawner.launch.allocation import Allocation
from yarnspawner.launch.amounts import GPU
from yarnspawner.launch.docker import docker_variables
from yarnspawner.launch.environments import LOCALIZED, PythonEnvironment, find_environment
from yarnspawner.launch.kernels import KERNELS_DIRECTORY, check_titles, kernel_files, kernel_name
from yarnspawner.launch.limits import check_variables
from yarnspawner.launch.queues import queue_of
from yarnspawner.launch.spec import (
    ENVIRONMENT_LINK,
    MIB,
    LaunchSpec,
    container_memory_mb,
    container_vcores,
    launch_script,
)
from yarnspawner.launcher import port_endpoint
from yarnspawner.settings import YarnSpawnerSettings
from yarnspawner.users import check_user

#: The server's variable with the URL of its environment's archive, for Spark's executors.
ARCHIVE_VARIABLE = "YARNHUB_ARCHIVE"


#: How much longer than its intervals the hub may take to notice the end of a server.
NOTICE_MARGIN_SECONDS = 5.0


@dataclass(frozen=True)
class ServerRequest:
    """A server that JupyterHub starts: its user and name, its process, and its limits.

    `mem_limit` is in bytes, `cpu_limit` in cores. The hub looks every `poll_interval` seconds
    whether the server runs. A variable of the `environment` that is None is
    left out. `certificates` are file contents by their paths in the container.
    """

    user: str
    name: str
    escaped_user: str
    tag: str
    key: bytes
    command: list[str]
    environment: Mapping[str, object]
    certificates: dict[str, bytes]
    ip: str
    mem_limit: int | None
    cpu_limit: float | None
    poll_interval: float


async def build_launch_spec(
    settings: YarnSpawnerSettings, request: ServerRequest, yarn: HubCluster
) -> LaunchSpec:
    """Return the application of a server's start; raises `SpawnError`."""
    user = request.user
    check_user(user, yarn.hub_user, settings.forbidden_users)
    requested_files = localized_files.parse(settings.localize_files, _hdfs(yarn))
    # Together, because each waits for HDFS, or for a process that asks as the user.
    _, environment, kernels, files, remote_files = await asyncio.gather(
        _ensure_home(settings, user, yarn),
        _environment(settings, request, yarn),
        _kernels(settings, request, yarn),
        asyncio.to_thread(localized_files.local_files, requested_files),
        localized_files.remote_files(requested_files),
    )
    environments = [environment, *kernels.values()]
    return LaunchSpec(
        user=user,
        name=printable(f"jupyterhub-{user}" + (f"-{request.name}" if request.name else "")),
        queue=queue_of(settings.queue, user),
        memory_mb=container_memory_mb(
            request.mem_limit, 0 if settings.am_overhead_in_mem_limit else settings.am_overhead
        ),
        vcores=container_vcores(request.cpu_limit),
        environment=docker_variables(settings.docker_image, settings.docker_mounts),
        resources={GPU: settings.gpus} if settings.gpus else {},
        tags=_tags(settings, request, yarn, environments),
        node_label=settings.node_label,
        priority=settings.priority,
        lifetime_seconds=settings.lifetime,
        python=environment.python,
        files=(
            *(environment.archive for environment in environments if environment.archive),
            *remote_files,
        ),
        viewers=(yarn.hub_user, *settings.viewers),
        launch=_launch(settings, request, yarn, environment, files, kernels),
    )


async def _ensure_home(settings: YarnSpawnerSettings, user: str, yarn: HubCluster) -> None:
    """Create the user's home directory in HDFS if the server needs it and it is missing."""
    if yarn.homes is not None and (settings.contents_manager or settings.create_hdfs_home):
        await yarn.homes.ensure(
            user,
            HomePolicy(
                settings.create_hdfs_home, settings.hdfs_home_mode, settings.hdfs_home_quota
            ),
        )


def _hdfs(yarn: HubCluster) -> str:
    """Return the URL of the HDFS; empty if the cluster has none."""
    return yarn.configuration.hdfs if yarn.homes is not None else ""


async def _environment(
    settings: YarnSpawnerSettings, request: ServerRequest, yarn: HubCluster
) -> PythonEnvironment:
    if not settings.python_env and ENVIRONMENT_LINK in settings.localize_files:
        return LOCALIZED
    return await _find(settings, request, yarn, settings.python_env, ENVIRONMENT_LINK)


async def _find(
    settings: YarnSpawnerSettings,
    request: ServerRequest,
    yarn: HubCluster,
    python_env: str,
    link: str,
) -> PythonEnvironment:
    """Find an environment: the site's or, if the settings allow it, the user's own."""
    env_root, owner = settings.env_root, ""
    if python_env.startswith(OWN):
        if not settings.user_envs:
            raise OptionsError(
                f"{python_env} is an environment of your own, which JupyterHub does not accept "
                "here. Choose another, or ask an administrator to set c.YarnSpawner.user_envs."
            )
        owner = request.user
        env_root = _own_envs(settings, owner, yarn)
        python_env = python_env.removeprefix(OWN)
    return await find_environment(
        python_env,
        env_root,
        _hdfs(yarn),
        as_file=settings.env_delivery == "file",
        link=link,
        owner=owner,
    )


def _own_envs(settings: YarnSpawnerSettings, user: str, yarn: HubCluster) -> str:
    """Return the directory of a user's own environments."""
    return f"{yarn.configuration.home_directory(user)}/{settings.user_envs.strip('/')}"


def _registry_variables(
    settings: YarnSpawnerSettings, user: str, yarn: HubCluster
) -> Iterator[tuple[str, str]]:
    """Yield what `yarnhub pack-env` and `yarnhub envs` in a server need to know of the hub."""
    if settings.env_root != DEFAULT_ENV_ROOT:
        yield ENV_ROOT_VARIABLE, settings.env_root
    if settings.user_envs and yarn.homes is not None:
        yield OWN_ENVS_VARIABLE, _own_envs(settings, user, yarn)


async def _kernels(
    settings: YarnSpawnerSettings, request: ServerRequest, yarn: HubCluster
) -> dict[str, PythonEnvironment]:
    """Find the environments of the kernels, by the kernels' titles."""
    check_titles(settings.extra_envs)
    environments = await asyncio.gather(
        *(
            _find(settings, request, yarn, python_env, kernel_name(title))
            for title, python_env in settings.extra_envs.items()
        )
    )
    return dict(zip(settings.extra_envs, environments, strict=True))


def _tags(
    settings: YarnSpawnerSettings,
    request: ServerRequest,
    yarn: HubCluster,
    environments: Sequence[PythonEnvironment],
) -> tuple[str, ...]:
    """Return the application's tags, each once, and at most as many as YARN accepts.

    The server's own environment always has its tags. Those of the kernels' environments only keep
    `yarnhub envs gc` from deleting them, so those beyond the limit are left out.
    """
    hub_tags = (yarn.tag, request.tag)
    allowed = yarn.limits.tags - len(hub_tags) - len(environments[0].tags)
    if len(settings.tags) > allowed:
        raise OptionsError(
            f"c.YarnSpawner.tags has {len(settings.tags)} tags, but YARN accepts {allowed} besides "
            "those of JupyterHub. Ask an administrator to remove some."
        )
    tags = dict.fromkeys(tag for environment in environments for tag in environment.tags)
    environment_tags = tuple(tags)
    most = yarn.limits.tags - len(hub_tags) - len(settings.tags)
    if len(environment_tags) > most:
        settings.log.warning(
            "YARN accepts %s tags for an application, so those of some environments are left out. "
            "yarnhub envs does not count their use by this server: %s",
            yarn.limits.tags,
            ", ".join(environment_tags[most:]),
        )
    return tuple(dict.fromkeys((*hub_tags, *environment_tags[:most], *settings.tags)))


def _variables(environment: Mapping[str, object]) -> dict[str, str]:
    """Return the server's variables as text; raises `OptionsError`."""
    variables = {name: str(value) for name, value in environment.items() if value is not None}
    check_variables(variables)
    try:
        if "JUPYTERHUB_API_URL" in variables:
            parse_api_url(variables["JUPYTERHUB_API_URL"])
    except ValueError as error:
        raise OptionsError(
            f"Servers cannot call the hub: {error}. Ask an administrator to set "
            "c.JupyterHub.hub_connect_url."
        ) from error
    return variables


def _launch(
    settings: YarnSpawnerSettings,
    request: ServerRequest,
    yarn: HubCluster,
    python: PythonEnvironment,
    files: dict[str, bytes],
    kernels: dict[str, PythonEnvironment],
) -> Launch:
    command, environment = request.command, _variables(request.environment)
    if python.archive is not None:
        environment.setdefault(ARCHIVE_VARIABLE, str(python.archive.url))
    environment = {**dict(_registry_variables(settings, request.user, yarn)), **environment}
    paths = {
        variable: certificates.container_path(name)
        for name, variable in certificates.VARIABLES.items()
        if environment.pop(variable, None)
    }
    names = request.escaped_user, url_escape_path(request.name)
    for title, kernel in kernels.items():
        files.update(kernel_files(title, kernel.python))
        paths["JUPYTER_PATH"] = KERNELS_DIRECTORY
    if yarn.tokens is not None:
        paths["HADOOP_TOKEN_FILE_LOCATION"] = TOKENS_FILE
    return Launch(
        command=command,
        environment=environment,
        schedulers=yarn.configuration.scheduler_addresses(),
        protections=yarn.configuration.rpc_protections,
        ip=request.ip,
        port_range=settings.port_range,
        script=launch_script(
            settings.script_template, settings.prologue, settings.epilogue, command
        ),
        files={**yarn.client_files, **files, **request.certificates},
        paths=paths,
        report_path=port_endpoint.path(*names) if settings.launcher == "skein" else "",
        token_path=token_endpoint.path(*names) if yarn.tokens is not None else "",
        token_refresh_seconds=refresh_seconds(settings, yarn),
        key=request.key,
        hold_seconds=request.poll_interval + settings.status_interval + NOTICE_MARGIN_SECONDS,
        mount_path="" if settings.mount == "off" else settings.mount_path,
        mount_required=settings.mount == "required",
        fast_start=settings.fast_start,
    )


def with_facts(
    spec: LaunchSpec,
    settings: YarnSpawnerSettings,
    yarn: HubCluster,
    *,
    profile: str,
    submitted: float,
) -> LaunchSpec:
    """Return the application with what its server is told about itself.

    `profile` is the chosen profile's display name, and `submitted` the time of the submit in
    seconds since 1970.
    """
    facts = ServerFacts(
        memory=Allocation.of(yarn.configuration).container_mb(spec.memory_mb) * MIB,
        memory_margin=settings.memory_margin,
        profile=profile,
        cores=spec.vcores,
        gpus=spec.resources.get(GPU, 0),
        queue=spec.queue,
        environment=settings.python_env,
        submitted=submitted,
        lifetime=spec.lifetime_seconds,
        help_url=settings.help_url,
    )
    environment = {**spec.launch.environment, FACTS_VARIABLE: facts.to_json()}
    return replace(spec, launch=replace(spec.launch, environment=environment))


def refresh_seconds(settings: YarnSpawnerSettings, yarn: HubCluster) -> float:
    """Return the seconds after which a running server needs new tokens; 0 without Kerberos."""
    if yarn.tokens is None:
        return 0.0
    return settings.token_refresh_interval or yarn.tokens.refresh_seconds
