"""The options of `c.YarnSpawner`: the cluster, applications, the users' files, the network."""

from __future__ import annotations

from jupyterhub.traitlets import ByteSpecification, Callable
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
    validate,
)
from traitlets.utils.bunch import Bunch

from yarnspawner.container_settings import ContainerSettings
from yarnspawner.jupyterhub_settings import JupyterHubSettings
from yarnspawner.users import SUPERUSERS


class YarnSpawnerSettings(ContainerSettings, JupyterHubSettings):
    """The options of `c.YarnSpawner`, besides those of every spawner of JupyterHub."""

    launcher = Enum(
        ("direct", "skein"),
        default_value="direct",
        help="""
        The client that submits servers to YARN: yarnhub's own ("direct"), or skein. Change it only
        if the site requires skein, which needs yarnhub[skein] and a JVM on the edge node.
        """,
    ).tag(config=True)

    principal = Unicode(
        None,
        allow_none=True,
        help="""
        The hub's Kerberos principal. None: the first one in `keytab`. Set it if the keytab holds
        more than one.
        """,
    ).tag(config=True)

    keytab = Unicode(
        None,
        allow_none=True,
        help="""
        The path of the keytab with which the hub logs in to Kerberos, readable by the hub's account
        only (mode 0400). kinit is not needed. None: the hub uses the tickets in its credential
        cache, which another program has to renew. Set it on each cluster with Kerberos:

            c.YarnSpawner.keytab = "/etc/security/keytabs/jupyterhub.keytab"
        """,
    ).tag(config=True)

    hdfs = Unicode(
        help="""
        The HDFS with the users' homes, their notebooks and the environments, if the cluster's
        default file system is another one, such as an object store. Empty: `fs.defaultFS`, which
        must be hdfs:// or viewfs://. Commands such as `yarnhub pack-env` need the same in the
        environment variable YARNHUB_HDFS.

            c.YarnSpawner.hdfs = "hdfs://nameservice1"
        """,
    ).tag(config=True)

    filesystems = List(
        Unicode(),
        help="""
        Further file systems (`hdfs://NAME` or `viewfs://NAME`) for which servers get delegation
        tokens, with Kerberos only. Empty: the default file system alone. Set it if users read other
        clusters:

            c.YarnSpawner.filesystems = ["hdfs://archive"]
        """,
    ).tag(config=True)

    token_refresh_interval = Float(
        0.0,
        help="""
        Seconds until a running server's delegation tokens are replaced, with Kerberos only. 0:
        half of the shorter renew interval in the hub's Hadoop configuration, which is a day if it
        sets none. Set it if that is not the NameNode's interval; it must be shorter than that.
        """,
    ).tag(config=True)

    profiles = Union(
        [List(Dict()), Callable()],
        default_value=[],
        help="""
        The choices that users have on the start form, and their limits: a list of dicts (see
        docs/profiles.md), or a function of the spawner that returns one and may be async. Empty:
        users see no form, every server is as configured, and options in requests are ignored.

            c.YarnSpawner.profiles = [{"name": "Small", "memory": "2G"}]
        """,
    ).tag(config=True)

    queue = Unicode(
        "default",
        help="""
        The YARN queue to which servers are submitted, by its name or its full path. `{username}`
        stands for the user's name in Hadoop. "default" or an empty string let YARN's placement
        rules choose a queue, if it has rules. Set it if the cluster has a queue for notebooks:

            c.YarnSpawner.queue = "notebooks"
        """,
    ).tag(config=True)

    gpus = Integer(
        0,
        min=0,
        help="""
        The number of GPUs of a server (YARN's resource yarn.io/gpu). Leave it 0 and offer GPUs in
        `profiles`, so that only servers that need them hold them.
        """,
    ).tag(config=True)

    node_label = Unicode(
        help="""
        The label of the nodes that servers run on. Empty: the queue's default label. Set it to
        reserve nodes for notebooks.
        """,
    ).tag(config=True)

    priority = Integer(
        None,
        allow_none=True,
        help="""
        The priority of the applications in their queue, up to the cluster's maximum. None: the
        queue's default priority. Set it if servers share a queue with applications that can wait.
        """,
    ).tag(config=True)

    lifetime = Integer(
        None,
        min=1,
        allow_none=True,
        help="""
        Seconds from the submit after which YARN ends a server. None: servers run until they are
        stopped. Set it as an upper limit that holds without the hub:

            c.YarnSpawner.lifetime = 7 * 24 * 3600
        """,
    ).tag(config=True)

    max_lifetime = Integer(
        None,
        min=1,
        allow_none=True,
        help="""
        Seconds from the submit up to which users may extend `lifetime`, with "Keep It Running" in
        JupyterLab. Each time the server gets another `lifetime` from then on. None: JupyterLab
        offers no extension. Users who reach YARN with other clients can change the lifetime of
        their own applications whatever this is. The queue's maximum-application-lifetime limits
        both.

            c.YarnSpawner.lifetime = 8 * 3600
            c.YarnSpawner.max_lifetime = 3 * 24 * 3600
        """,
    ).tag(config=True)

    tags = List(
        Unicode(),
        help="""
        Further tags of the applications, for tools that read YARN's reports. YARN accepts ten, of
        which the hub needs two and the server's environment one.
        """,
    ).tag(config=True)

    viewers = List(
        Unicode(),
        help="""
        Hadoop users who may see the applications and their logs in YARN, besides the server's user
        and the hub. It has an effect only if the cluster has ACLs enabled (`yarn.acl.enable`).
        """,
    ).tag(config=True)

    cluster_links = Bool(
        False,
        help="""
        Link to YARN's own pages of a server's application and log from the hub's pages. Off: the
        hub shows the log itself, and no links. Set it if the users' browsers reach the
        ResourceManager and the nodes.
        """,
    ).tag(config=True)

    forbidden_users = Set(
        Unicode(),
        default_value=SUPERUSERS,
        help="""
        Hadoop users for whom no server is started. Default: common accounts of Hadoop's daemons,
        which are superusers. Add the site's own superusers. The hub's own user is always refused.
        """,
    ).tag(config=True)

    hadoop_name_hook = Callable(
        None,
        allow_none=True,
        help="""
        A function from a user's name in JupyterHub to their name in Hadoop. It must return the same
        name each time, and never one name for two users. None: the names are the same. Set it if
        users log in by an address, and remove only your own domain:

            c.YarnSpawner.hadoop_name_hook = lambda name: name.removesuffix("@example.com")
        """,
    ).tag(config=True)

    modify_spec_hook = Callable(
        None,
        allow_none=True,
        help="""
        A function of the spawner and its `yarnspawner.LaunchSpec`, called before each submit. It
        returns the spec to submit and may be async. Use it for properties of the application that
        have no option:

            from dataclasses import replace

            def with_fpga(spawner, spec):
                return replace(spec, resources={**spec.resources, "yarn.io/fpga": 1})

            c.YarnSpawner.modify_spec_hook = with_fpga
        """,
    ).tag(config=True)

    am_overhead = ByteSpecification(
        "72M",
        help="""
        The container's memory beyond `mem_limit`, for the application master that supervises the
        server (32M) and the daemon of the mount (40M), so that the server gets all of `mem_limit`.
        It may have a suffix, as `mem_limit`. Raise it if YARN ends servers that stay below their
        limit.
        """,
    ).tag(config=True)

    am_overhead_in_mem_limit = Bool(
        False,
        help="""
        Take `am_overhead` out of `mem_limit`, so that the container has `mem_limit` and the server
        the rest. Set it if YARN gives containers in large steps: with the default
        `yarn.scheduler.minimum-allocation-mb` of 1024, a server of 2 GiB and the overhead take 3
        GiB of the cluster. `yarnhub check memory` shows what a server takes.

            c.YarnSpawner.am_overhead_in_mem_limit = True
        """,
    ).tag(config=True)

    contents_manager = Unicode(
        "hdfs_contents.HDFSContentsManager",
        help="""
        The class of the server's contents manager. Default: files are kept in HDFS. Empty: the one
        that the environment configures, by default the node's local disk, whose files are lost
        when the server ends.
        """,
    ).tag(config=True)

    session_state = Bool(
        True,
        help="""
        Save the user's state of JupyterLab (settings, workspaces, trusted notebooks, kernel
        history) in their directory in HDFS, and restore it on the node of their next server. It
        needs HDFSContentsManager. If it is off, that state is lost when the server ends.
        """,
    ).tag(config=True)

    keep_packages = Bool(
        True,
        help="""
        Save the packages that users install with `%pip install` in their home directory in HDFS,
        and restore them in their next server of the same Python version and platform. Kernels and
        terminals import them, the server itself does not. It needs HDFSContentsManager and a
        `python_env` that is not a venv. If it is off, such packages are lost when the server ends.
        """,
    ).tag(config=True)

    create_hdfs_home = Bool(
        False,
        help="""
        Create /user/NAME for users who have no home directory in HDFS. The hub's user must be a
        superuser of HDFS. If it is off, the start of such a user fails with the command that an
        administrator has to run.

            c.YarnSpawner.create_hdfs_home = True
        """,
    ).tag(config=True)

    hdfs_home_mode = Integer(
        0o700,
        help="""
        The permissions of home directories that the hub creates. Default: only the user has access.
        """,
    ).tag(config=True)

    hdfs_home_quota = ByteSpecification(
        None,
        allow_none=True,
        help="""
        The space quota of home directories that the hub creates, such as "300G". HDFS counts all
        replicas: 100 GB of files need 300 GB. None: no quota.
        """,
    ).tag(config=True)

    port_range = Tuple(
        Integer(min=1, max=65535),
        Integer(min=1, max=65535),
        default_value=None,
        allow_none=True,
        help="""
        The first and last port on which servers may listen. None: any free port. Set it if a
        firewall is between the hub and the nodes:

            c.YarnSpawner.port_range = (30000, 30999)
        """,
    ).tag(config=True)

    host_map = Union(
        [Dict(Unicode()), Callable()],
        default_value={},
        help="""
        The addresses at which the hub and the proxy reach the nodes: a dict from YARN's name of a
        node to its address, or a function of the name. Nodes missing from the dict, and by default
        all nodes, are reached by YARN's name. Set it for nodes with several addresses:

            c.YarnSpawner.host_map = lambda node: node.replace(".storage.", ".public.")
        """,
    ).tag(config=True)

    status_interval = Float(
        10.0,
        help="""
        The longest age, in seconds, of the hub's view of its running servers. One call to the
        ResourceManager refreshes all of them. Raise it to spare the ResourceManager, lower it to
        notice ended servers sooner.
        """,
    ).tag(config=True)

    reconcile_interval = Float(
        60.0,
        min=1.0,
        help="""
        Seconds between the hub's searches for its applications that belong to no server. It ends
        those.
        """,
    ).tag(config=True)

    @validate("port_range")
    def _validate_port_range(self, proposal: Bunch) -> tuple[int, int] | None:
        if proposal["value"] and proposal["value"][0] > proposal["value"][1]:
            raise TraitError("c.YarnSpawner.port_range: the first port must not be above the last.")
        return proposal["value"]
