"""`LaunchSpec`, a server as a YARN application, and its submission. Pure: no I/O.

The fields that YARN shows to other users (name, queue, tags, command) hold no more than the user's
and the server's name. Everything else, such as the environment with the API token, goes into the
payload, which only the container's own user can read.
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
    StringEntry,
    TimeoutEntry,
    TimeoutType,
    Url,
)
from yarnspawner.container.payload import SECRET_ALIAS, Launch, server_command
from yarnspawner.failures import OptionsError
from yarnspawner.launch.program import PACKED_SUFFIX, build_payload, container_command
from yarnspawner.tags import APPLICATION_TYPE

#: The container's directory into which YARN unpacks the environment.
ENVIRONMENT_LINK = "environment"

SCRIPT_TEMPLATE = "{prologue}\n{singleuser_command}\n{epilogue}"

MIB = 1 << 20


@dataclass(frozen=True)
class LocalizedFile:
    """A file in HDFS that YARN puts into the container's directory under the name `link`.

    `size_bytes` and `modification_time_ms` must be HDFS's own: YARN refuses a file that differs. A
    `public` file is fetched once for all users of a node. YARN unpacks an `archive` into a
    directory of that name. A `packed` file, named LINK.tar.gz, is unpacked by the container.
    """

    link: str
    url: Url
    size_bytes: int
    modification_time_ms: int
    public: bool
    archive: bool = True
    packed: bool = False


@dataclass(frozen=True)
class Pin:
    """The only node that an application may run on, by YARN's names for it and for its rack."""

    host: str
    rack: str


@dataclass(frozen=True)
class LaunchSpec:
    """A server as a YARN application: the argument and the result of `modify_spec_hook`.

    Public: `from yarnspawner import LaunchSpec`. Specs are frozen, so a hook returns a changed
    copy:

        from dataclasses import replace

        def with_fpga(spawner, spec):
            return replace(spec, resources={**spec.resources, "yarn.io/fpga": 1})

        c.YarnSpawner.modify_spec_hook = with_fpga

    Fields:

    - `user`: the Hadoop user as whom the server runs.
    - `name`: the application's name in YARN, which all users can see.
    - `queue`: the queue to submit to.
    - `memory_mb`: the container's memory in MiB, `c.YarnSpawner.am_overhead` included. YARN may
      round it up.
    - `vcores`: the container's virtual cores.
    - `tags`: the application's tags, at most ten by YARN's default. The first two must stay: the
      hub finds its applications by them.
    - `python`: the interpreter's path: absolute if every node has it, else relative to the
      container's directory.
    - `files`: the files that YARN fetches from HDFS, among them the environment's archive.
    - `viewers`: the Hadoop users who may see the application and its logs, besides `user`.
    - `launch`: the container's private data, such as the server's command and environment.
    - `resources`: amounts of other resources by YARN's names, such as `{"yarn.io/gpu": 1}`.
    - `node_label`: the label of the nodes to run on; empty for the queue's default.
    - `priority`: the priority in the queue; None for the queue's default.
    - `lifetime_seconds`: the time from the submit after which YARN ends the application; None for
      no limit.
    - `environment`: variables for YARN itself, such as those of its docker runtime. Other users can
      read them; the server's own, private variables are in `launch`.
    - `pin`: the only node that the application may run on; None for any.
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
    environment: Mapping[str, str] = field(default_factory=dict)
    pin: Pin | None = None

    @property
    def packed(self) -> tuple[str, ...]:
        """The directories whose archives the container unpacks itself."""
        return tuple(file.link.removesuffix(PACKED_SUFFIX) for file in self.files if file.packed)


def container_memory_mb(mem_limit_bytes: int | None, overhead_bytes: int) -> int:
    """Return the container's size in MiB: the notebook's limit plus the application master's
    overhead."""
    if not mem_limit_bytes:
        raise OptionsError(
            "YARN requires a memory limit. Ask an administrator to set c.YarnSpawner.mem_limit."
        )
    return math.ceil((mem_limit_bytes + overhead_bytes) / MIB)


def container_vcores(cpu_limit: float | None) -> int:
    """Return the container's virtual cores: YARN counts whole cores, and gives at least one."""
    return max(1, math.ceil(cpu_limit or 1))


def check_python(path: str) -> str:
    """Return `path` if it can stand unquoted in the container's command line."""
    if not re.fullmatch(r"/[A-Za-z0-9_./+@=-]*", path):
        raise OptionsError(
            f"c.YarnSpawner.python_env is {path!r}. It must be an environment's name, or an "
            "absolute path of letters, digits and _ . / + @ = - only."
        )
    return path


def launch_script(template: str, prologue: str, epilogue: str, command: Sequence[str]) -> str:
    """Return the script that starts the server; empty if the command needs none."""
    if not prologue and not epilogue and template == SCRIPT_TEMPLATE:
        return ""
    if "{singleuser_command}" not in template:
        raise OptionsError(
            "c.YarnSpawner.script_template does not start the server. Ask an administrator to put "
            "{singleuser_command} into it."
        )
    try:
        return template.format(
            prologue=prologue, singleuser_command=server_command(list(command)), epilogue=epilogue
        )
    except (KeyError, IndexError, ValueError) as error:
        raise OptionsError(
            f"c.YarnSpawner.script_template could not be filled in ({error!r}). Ask an "
            "administrator to correct it: braces other than those of {prologue}, "
            "{singleuser_command} and {epilogue} must be doubled."
        ) from error


def submission_context(
    spec: LaunchSpec, application_id: ApplicationId, users: Credentials
) -> ApplicationSubmissionContext:
    """Return the submission for the ResourceManager. The payload is put among the `users` tokens,
    which are the user's delegation tokens."""
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
        max_app_attempts=1,  # the hub, not YARN, starts a server that died
        resource=resource,
        am_container_resource_request=_pinned(spec.pin, resource),
        node_label_expression=spec.node_label or None,
        application_timeouts=_timeouts(spec.lifetime_seconds),
        am_container_spec=ContainerLaunchContext(
            local_resources=tuple(map(_local_resource, spec.files)),
            tokens=private.to_bytes(),
            environment=tuple(StringEntry(*entry) for entry in spec.environment.items()),
            command=(container_command(spec.python, packed=spec.packed),),
            # The hub reads states as itself; it changes applications as their user.
            application_acls=(
                ApplicationAcl(access_type=ApplicationAccess.VIEW_APP, acl=",".join(spec.viewers)),
            ),
        ),
    )


def _pinned(pin: Pin | None, resource: Resource) -> tuple[ResourceRequest, ...]:
    """Return the requests for one node. YARN requires requests for its rack and for any node too;
    `relax_locality=False` there keeps the container from running on another node."""
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
