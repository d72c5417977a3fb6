"""What an administrator can set of YarnSpawner, and where its defaults differ from JupyterHub's."""

from __future__ import annotations

from typing import Any

from jupyterhub.traitlets import ByteSpecification, Callable, Command
from traitlets import (
    Bool,
    Dict,
    Enum,
    Float,
    Integer,
    List,
    Set,
    TraitError,
    Tuple,
    Unicode,
    Union,
    default,
    validate,
)
from traitlets.config import LoggingConfigurable

from env_packaging.registry import DEFAULT_ENV_ROOT
from yarnspawner.launch.spec import SCRIPT_TEMPLATE
from yarnspawner.tags import SUPERUSERS

#: What configurations of the retired yarnspawner say, and what it is today.
RETIRED_COMMANDS = {
    "python -m yarnspawner.singleuser": "jupyterhub-singleuser",
    "python -m yarnspawner.jupyter_labhub": "jupyter-labhub",
}


class YarnSpawnerSettings(LoggingConfigurable):
    """The options of `c.YarnSpawner`, beside those that each spawner has."""

    launcher = Enum(
        ("direct", "skein"),
        default_value="direct",
        help="""
        Who speaks to YARN: yarnhub itself, or skein, for which yarnhub[skein] and a JVM have to
        be on the edge node.
        """,
    ).tag(config=True)

    principal = Unicode(
        None,
        allow_none=True,
        help="The hub's Kerberos principal; the first of the keytab where it is not set.",
    ).tag(config=True)

    keytab = Unicode(
        None,
        allow_none=True,
        help="""
        The file with the hub's Kerberos key, for its user only (mode 0400). It is logged in by it
        as long as it runs, without kinit. Where it is not set the hub needs a ticket in its cache.
        """,
    ).tag(config=True)

    filesystems = List(
        Unicode(),
        help="""
        More name services (`hdfs://NAME`) that servers get a delegation token for, beside the
        default file system's; where there is Kerberos.
        """,
    ).tag(config=True)

    token_refresh_interval = Float(
        0.0,
        help="""
        After how many seconds a running server gets new delegation tokens, where there is
        Kerberos. 0: after half of the shorter renew-interval in the cluster's configuration, a day
        where that says nothing. It has to be shorter than what the NameNode has.
        """,
    ).tag(config=True)

    python_env = Unicode(
        help="""
        The Python environment of the servers: the name of one that `yarnhub pack-env` published,
        optionally with an alias or a key (`NAME`, `NAME:ALIAS`, `NAME@KEY`), or the absolute path
        of one that is the same on every node.
        """
    ).tag(config=True)

    extra_envs = Dict(
        Unicode(),
        help="""
        More environments that servers bring along, each as a kernel: by the title that Lab shows,
        what `python_env` would name. Each needs ipykernel.
        """,
    ).tag(config=True)

    env_root = Unicode(
        DEFAULT_ENV_ROOT, help="The folder in HDFS that holds the published environments."
    ).tag(config=True)

    user_envs = Unicode(
        help="""
        The folder in each person's HDFS home for environments of their own, such as "envs":
        `~/NAME` names one of those in `python_env`, `extra_envs` and profiles. Empty: nobody may
        bring any.
        """
    ).tag(config=True)

    env_delivery = Enum(
        ("archive", "file"),
        "archive",
        help="""
        Who unpacks a published environment: "archive", the NodeManager, once for all servers of a
        node; "file", each container with tar, for nodes whose YARN can't unpack a tar.gz.
        """,
    ).tag(config=True)

    localize_files = Dict(
        help="""
        More files for each container, by the name that they get there: a path, or a dict of
        `source`, `type` ("archive" or "file"; else by the name) and `visibility` ("public", or
        anything else). Sources are in HDFS (`hdfs://...`), or small files of the edge node.
        One that is named `environment` is the servers' Python environment where `python_env` is
        not set.
        """,
    ).tag(config=True)

    prologue = Unicode(
        help="Lines of bash that run in the container before the server, in the folder with the "
        "localized files."
    ).tag(config=True)

    epilogue = Unicode(
        help="Lines of bash that run in the container after the server has ended by itself."
    ).tag(config=True)

    script_template = Unicode(
        SCRIPT_TEMPLATE,
        help="""
        The script that starts the server where there is a `prologue` or an `epilogue`: a format
        with `{prologue}`, `{singleuser_command}` and `{epilogue}`.
        """,
    ).tag(config=True)

    profiles = Union(
        [List(Dict()), Callable()],
        default_value=[],
        help="""
        What people may choose for their servers, and within which limits: a list of dicts, as
        described in docs/profiles.md, or a function of the spawner that returns one and may be
        async. Empty: everybody gets what is configured, and options are ignored.
        """,
    ).tag(config=True)

    queue = Unicode("default", help="The YARN queue that servers are submitted to.").tag(
        config=True
    )

    gpus = Integer(0, min=0, help="How many GPUs (YARN's resource yarn.io/gpu) a server gets.").tag(
        config=True
    )

    node_label = Unicode(
        help="The label of the nodes that servers run on. Empty: the queue's default."
    ).tag(config=True)

    priority = Integer(
        None,
        allow_none=True,
        help="The applications' priority in their queue; the cluster caps it. None: the queue's.",
    ).tag(config=True)

    lifetime = Integer(
        None,
        min=1,
        allow_none=True,
        help="After how many seconds YARN itself ends a server. None: never.",
    ).tag(config=True)

    tags = List(
        Unicode(),
        help="More tags for the applications, beside those by which the hub finds its own.",
    ).tag(config=True)

    viewers = List(
        Unicode(),
        help="Who may look at the applications and their logs in YARN, beside the user and the "
        "hub, where the cluster has ACLs.",
    ).tag(config=True)

    forbidden_users = Set(
        Unicode(),
        default_value=SUPERUSERS,
        help="Who gets no server: Hadoop's superusers. The hub's own user never gets one, named "
        "here or not.",
    ).tag(config=True)

    hadoop_name_hook = Callable(
        None,
        allow_none=True,
        help="""
        A function of a person's name in JupyterHub that returns their name in Hadoop, where the two
        differ: `lambda name: name.partition("@")[0]`. The same name has to give the same each time.
        """,
    ).tag(config=True)

    modify_spec_hook = Callable(
        None,
        allow_none=True,
        help="""
        A function of the spawner and its `yarnspawner.launch.spec.LaunchSpec`, called before each
        submit; returns the spec to submit. It may be async.
        """,
    ).tag(config=True)

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

    session_state = Bool(
        True,
        help="""
        Keep what people set in Lab (settings, workspaces, trusted notebooks, kernel history) in
        their folder in HDFS, and put it back on the node of their next server. Needs
        HDFSContentsManager.
        """,
    ).tag(config=True)

    create_hdfs_home = Bool(
        False,
        help="""
        Make the folder /user/NAME in HDFS for who has none. The hub's user has to be a superuser
        of HDFS for that: else leave it to an administrator, whom the failed start tells how.
        """,
    ).tag(config=True)

    hdfs_home_mode = Integer(0o700, help="The permissions of a home that the hub makes.").tag(
        config=True
    )

    hdfs_home_quota = ByteSpecification(
        None,
        allow_none=True,
        help="The quota of disk space of a home that the hub makes; HDFS counts all replicas.",
    ).tag(config=True)

    port_range = Tuple(
        Integer(min=1, max=65535),
        Integer(min=1, max=65535),
        default_value=None,
        allow_none=True,
        help="The first and last port that servers may listen on. None: any free port.",
    ).tag(config=True)

    host_map = Union(
        [Dict(Unicode()), Callable()],
        default_value={},
        help="""
        Where the hub and the proxy reach a node, by the name that YARN has for it, for nodes with
        several addresses: a dict, or a function of the name. A name that is not in the dict is
        used as it is.
        """,
    ).tag(config=True)

    status_interval = Float(
        10.0,
        help="How old, in seconds, what the hub knows of its running servers may be. One call to "
        "the ResourceManager is made for all of them.",
    ).tag(config=True)

    reconcile_interval = Float(
        60.0,
        min=1.0,
        help="How often, in seconds, the hub looks for applications of its own that belong to no "
        "server, and ends them.",
    ).tag(config=True)

    cmd = Command(
        ["jupyter-labhub"],
        help="""
        The server's command. A Python console script of the environment gets the port that is
        held for it; any other program finds it in JUPYTERHUB_SERVICE_URL.
        """,
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

    @validate("cmd")
    def _validate_cmd(self, proposal: Any) -> list[str]:
        command = list(proposal["value"])
        retired = RETIRED_COMMANDS.get(" ".join(command))
        if retired is None:
            return command
        self.log.warning("c.YarnSpawner.cmd = %r is retired; %s is used.", command, retired)
        return [retired]

    @validate("port_range")
    def _validate_port_range(self, proposal: Any) -> tuple[int, int] | None:
        if proposal["value"] and proposal["value"][0] > proposal["value"][1]:
            raise TraitError("c.YarnSpawner.port_range: the first port is above the last one.")
        return proposal["value"]
