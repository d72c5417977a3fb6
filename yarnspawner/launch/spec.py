"""From a spawner's settings to the application that YARN is asked to run. Pure: no I/O.

What YARN shows to others (name, queue, tags, command) holds the user's and the server's name only.
Everything else, the environment and the API token above all, goes into the payload, which only the
container's own user can read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hadoop_client.security.credentials import Credentials
from hadoop_client.yarn.records import (
    ApplicationAccess,
    ApplicationAcl,
    ApplicationId,
    ApplicationSubmissionContext,
    ContainerLaunchContext,
    LocalResource,
    LocalResourceEntry,
    LocalResourceType,
    LocalResourceVisibility,
    Priority,
    Resource,
    ResourceInformation,
    ResourceRequest,
    TimeoutEntry,
    TimeoutType,
    Url,
)
from yarnspawner.container.payload import SECRET_ALIAS, Launch, server_command
from yarnspawner.failures import OptionsError
from yarnspawner.launch.program import PACKED_SUFFIX, build_payload, container_command

APPLICATION_TYPE = "yarnhub"

#: The folder of the container into which YARN unpacks the environment.
ENVIRONMENT_LINK = "environment"

#: The name that YARN has for GPUs.
GPU = "yarn.io/gpu"
SCRIPT_TEMPLATE = "{prologue}\n{singleuser_command}\n{epilogue}"

MIB = 1 << 20


@dataclass(frozen=True)
class LocalizedFile:
    """A file of HDFS that YARN puts into the container as `link`, with the exact size and time that
    HDFS has. One that is `public` is fetched once for all users of a node; an `archive` is unpacked
    into a folder of that name; one that comes `packed`, as LINK.tar.gz, the container unpacks."""

    link: str
    url: Url
    size_bytes: int
    modification_time_ms: int
    public: bool
    archive: bool = True
    packed: bool = False


@dataclass(frozen=True)
class Pin:
    """The one node that an application is to run on, by YARN's names for it and for its rack."""

    host: str
    rack: str


@dataclass(frozen=True)
class LaunchSpec:
    """One server as an application, decided in full; what `c.YarnSpawner.modify_spec_hook` may
    change by `dataclasses.replace`.

    `python` is the interpreter's path, relative to the container where the environment is one of
    its `files`. `resources` are amounts of what YARN calls by a name, such as yarn.io/gpu.
    `viewers` may look at the application beside its user. `lifetime_seconds` is counted by YARN
    from the submit. `pin` names the only node that will do.
    """

    user: str
    name: str
    queue: str
    memory_mb: int
    vcores: int
    tags: tuple[str, ...]
    python: str
    files: tuple[LocalizedFile, ...]
    viewers: tuple[str, ...]
    launch: Launch
    resources: Mapping[str, int] = field(default_factory=dict)
    node_label: str = ""
    priority: int | None = None
    lifetime_seconds: int | None = None
    pin: Pin | None = None

    @property
    def packed(self) -> tuple[str, ...]:
        """The folders that the container has to unpack itself."""
        return tuple(file.link.removesuffix(PACKED_SUFFIX) for file in self.files if file.packed)


def container_memory_mb(mem_limit_bytes: int | None, overhead_bytes: int) -> int:
    """Return the container's size in MiB: a notebook gets all of what it was promised, so the
    application master's overhead comes on top."""
    if not mem_limit_bytes:
        raise OptionsError(
            "YARN gives no container without a limit of its memory: an administrator has to set "
            "c.YarnSpawner.mem_limit."
        )
    return math.ceil((mem_limit_bytes + overhead_bytes) / MIB)


def container_vcores(cpu_limit: float | None) -> int:
    """Return the container's cores. YARN counts whole ones, and gives at least one."""
    return max(1, math.ceil(cpu_limit or 1))


def check_python(path: str) -> str:
    """Return `path`, which stands in the container's command line without any quoting."""
    if not re.fullmatch(r"/[A-Za-z0-9_./+@=-]*", path):
        raise OptionsError(
            f"c.YarnSpawner.python_env is {path!r}: give an environment's name, or an absolute "
            "path of letters, digits and _ . / + @ = - only."
        )
    return path


def check_resources(spec: LaunchSpec, maximum: Resource) -> None:
    """Refuse what no node of the cluster could ever give, as YARN would let it wait for ever."""
    wanted = [
        ("MiB of memory", spec.memory_mb, maximum.memory_mb),
        ("cores", spec.vcores, maximum.vcores),
    ]
    wanted += [(name, amount, maximum.amount(name)) for name, amount in spec.resources.items()]
    for what, amount, most in wanted:
        if amount > most:
            raise OptionsError(
                f"The server asks for {amount} {what}, but this cluster gives at most {most} "
                f"{what} to one container: ask for less."
            )


def launch_script(template: str, prologue: str, epilogue: str, command: Sequence[str]) -> str:
    """Return the script that starts the server, empty where the command itself will do."""
    if not prologue and not epilogue and template == SCRIPT_TEMPLATE:
        return ""
    if "{singleuser_command}" not in template:
        raise OptionsError(
            "c.YarnSpawner.script_template starts no server: an administrator has to put "
            "{singleuser_command} into it."
        )
    try:
        return template.format(
            prologue=prologue, singleuser_command=server_command(list(command)), epilogue=epilogue
        )
    except (KeyError, IndexError, ValueError) as error:
        raise OptionsError(
            f"c.YarnSpawner.script_template can't be filled in ({error!r}): an administrator has "
            "to correct it. Braces other than {prologue}, {singleuser_command} and {epilogue} are "
            "written twice."
        ) from error


def submission_context(
    spec: LaunchSpec, application_id: ApplicationId, users: Credentials
) -> ApplicationSubmissionContext:
    """Return what the ResourceManager is sent. The payload joins the `users` tokens."""
    private = Credentials(
        tokens=users.tokens, secrets={**users.secrets, SECRET_ALIAS: build_payload(spec.launch)}
    )
    resource = Resource(
        memory_mb=spec.memory_mb,
        vcores=spec.vcores,
        information=tuple(
            ResourceInformation(name, amount) for name, amount in spec.resources.items()
        ),
    )
    return ApplicationSubmissionContext(
        application_id=application_id,
        application_name=spec.name,
        queue=spec.queue,
        priority=None if spec.priority is None else Priority(spec.priority),
        application_type=APPLICATION_TYPE,
        application_tags=spec.tags,
        max_app_attempts=1,  # a server that died is not started again behind the hub's back
        resource=resource,
        am_container_resource_request=_pinned(spec.pin, resource),
        node_label_expression=spec.node_label or None,
        application_timeouts=_timeouts(spec.lifetime_seconds),
        am_container_spec=ContainerLaunchContext(
            local_resources=tuple(map(_local_resource, spec.files)),
            tokens=private.to_bytes(),
            command=(container_command(spec.python, packed=spec.packed),),
            # The hub looks as itself; what it changes, it changes as the user.
            application_acls=(
                ApplicationAcl(access_type=ApplicationAccess.VIEW_APP, acl=",".join(spec.viewers)),
            ),
        ),
    )


def _pinned(pin: Pin | None, resource: Resource) -> tuple[ResourceRequest, ...]:
    """Return what asks for one node: YARN wants its rack and "anywhere" asked for too, and is not
    to be content with those."""
    if pin is None:
        return ()
    anywhere = ResourceRequest(capability=resource, relax_locality=False)
    rack = replace(anywhere, resource_name=pin.rack)
    return (replace(anywhere, resource_name=pin.host, relax_locality=True), rack, anywhere)


def _timeouts(lifetime_seconds: int | None) -> tuple[TimeoutEntry, ...]:
    if lifetime_seconds is None:
        return ()
    return (TimeoutEntry(TimeoutType.LIFETIME, lifetime_seconds),)


def _local_resource(file: LocalizedFile) -> LocalResourceEntry:
    visibility = LocalResourceVisibility.PUBLIC if file.public else LocalResourceVisibility.PRIVATE
    resource = LocalResource(
        resource=file.url,
        size=file.size_bytes,
        timestamp=file.modification_time_ms,
        type=LocalResourceType.ARCHIVE if file.archive else LocalResourceType.FILE,
        visibility=visibility,
    )
    return LocalResourceEntry(key=file.link, value=resource)
