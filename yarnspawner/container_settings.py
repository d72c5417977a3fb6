"""The options of `c.YarnSpawner` for the content of containers: environments, files, scripts."""

from __future__ import annotations

import os

from traitlets import Bool, Dict, Enum, Float, List, TraitError, Unicode, validate
from traitlets.config import LoggingConfigurable
from traitlets.utils.bunch import Bunch

from env_packaging.registry import DEFAULT_ENV_ROOT
from yarnspawner.launch.spec import SCRIPT_TEMPLATE


class ContainerSettings(LoggingConfigurable):
    """The part of the options that decides what a server finds in its container."""

    python_env = Unicode(
        help="""
        The Python environment of the servers: one that `yarnhub pack-env` published, by `NAME`,
        `NAME:ALIAS` or `NAME@KEY`; or the absolute path of one that is the same on every node. It
        must be set, unless `localize_files` brings one or a profile does:

            c.YarnSpawner.python_env = "lab"
        """,
    ).tag(config=True)

    extra_envs = Dict(
        Unicode(),
        help="""
        Further environments of each server, as kernels: a dict from the title that JupyterLab shows
        to a name or path as in `python_env`. Each environment needs ipykernel. Empty: servers only
        have the kernels of the environment that they run in.

            c.YarnSpawner.extra_envs = {"Deep learning": "torch:2026"}
        """,
    ).tag(config=True)

    env_root = Unicode(
        DEFAULT_ENV_ROOT,
        help="""
        The directory in HDFS with the published environments. If it is changed, `yarnhub pack-env`
        and `yarnhub envs` need the same on the edge node, in their option `--env-root` or in the
        variable YARNHUB_ENV_ROOT. Servers have the variable.
        """,
    ).tag(config=True)

    user_envs = Unicode(
        help="""
        The directory in each user's HDFS home with the user's environments. In `python_env`,
        `extra_envs` and profiles, `~/NAME` names one of them. Empty: such names are refused. Set it
        to let users bring environments:

            c.YarnSpawner.user_envs = "envs"
        """,
    ).tag(config=True)

    env_delivery = Enum(
        ("archive", "file"),
        "archive",
        help="""
        How a published environment is unpacked on a node. "archive": by the NodeManager, once for
        all servers of the node. "file": by each container, with tar. Choose "file" if the nodes
        have no native Hadoop library and unpack slowly, or cannot unpack a tar.gz.
        """,
    ).tag(config=True)

    localize_files = Dict(
        help="""
        Further files in each container: a dict from the name there to a path, or to a dict of
        `source`, `type` ("archive" or "file"; default: by the name's ending) and `visibility`
        ("public": fetched once for all users of a node; default: private). Sources are in HDFS
        (`hdfs://...`), or small files on the edge node (64 KiB together). A file named
        `environment` is the servers' Python environment if `python_env` is empty.

            c.YarnSpawner.localize_files = {"site.conf": "/etc/yarnhub/site.conf"}
        """,
    ).tag(config=True)

    docker_image = Unicode(
        help="""
        The image in which YARN's docker runtime runs servers. Empty: servers run on the node
        itself. The cluster must have the runtime enabled and trust the image's registry. The image
        needs bash and, if `python_env` is a path, the environment there; published environments
        work too.

            c.YarnSpawner.docker_image = "registry.example.org/lab:2026"
        """,
    ).tag(config=True)

    docker_mounts = List(
        Unicode(),
        help="""
        Directories and files of the node to show in the container: `SOURCE:DESTINATION:MODE`, with
        the mode `ro` or `rw`. The cluster must allow them (container-executor.cfg). Set it if the
        image needs files of the node: `/etc/passwd` gives the user a name there.

            c.YarnSpawner.docker_mounts = ["/etc/passwd:/etc/passwd:ro"]
        """,
    ).tag(config=True)

    prologue = Unicode(
        help="""
        Lines of bash that run in the container before the server, in the directory with the
        localized files. Use it to set variables that depend on the node. HDFS is mounted after it,
        and only for the server.

            c.YarnSpawner.prologue = "export TMPDIR=$PWD/tmp; mkdir -p $TMPDIR"
        """,
    ).tag(config=True)

    epilogue = Unicode(
        help="""
        Lines of bash that run in the container after the server has ended by itself. They do not
        run after a stop, and do not see the mount of HDFS.
        """,
    ).tag(config=True)

    script_template = Unicode(
        SCRIPT_TEMPLATE,
        help="""
        The script that starts the server if there is a `prologue` or an `epilogue`: a format string
        with `{prologue}`, `{singleuser_command}` and `{epilogue}`. Change it to run the server
        with another program, as in `nice {singleuser_command}`.
        """,
    ).tag(config=True)

    fast_start = Bool(
        default_value=True,
        help="""
        Start servers faster: modules that a start does not need, such as the database of
        JupyterHub, are imported when they are used, and Node.js is not started for settings that
        JupyterLab does not use. Set it to False to find out whether an error in a server comes from
        this.
        """,
    ).tag(config=True)

    mount = Enum(
        ("auto", "required", "off"),
        default_value="auto",
        help="""
        Mount HDFS as a directory of each server, so that the user's code, terminals and extensions
        see the files that the file browser shows. "auto": if the node allows it (`yarnhub check
        mount`); on other nodes kernels start in a local directory whose files are lost when the
        server stops. "required": the start fails if HDFS cannot be mounted. "off": never mount.
        """,
    ).tag(config=True)

    mount_path = Unicode(
        "/srv/hdfs",
        help="""
        The directory at which servers see HDFS. The nodes do not need to have it, only its
        parent, whose other entries stay visible. Other accounts must not be able to write to the
        parent. The path should be the same on all nodes, and stay: notebooks, git work trees and
        extensions keep absolute paths. Change it if a node's /srv has more than 256 entries.
        """,
    ).tag(config=True)

    memory_margin = Float(
        0.05,
        min=0.0,
        max=0.9,
        help="""
        The fraction of a server's memory that stays free. If less is free, the kernel that uses
        most is ended, and JupyterLab shows its user which one and why, before YARN ends the whole
        server. Raise it if YARN still ends servers for their memory. 0: no kernel is ended.
        """,
    ).tag(config=True)

    help_url = Unicode(
        help="""
        The page or the mail address that JupyterLab and the hub's guide give users who need help.
        Empty: none.

            c.YarnSpawner.help_url = "mailto:data-platform@example.org"
        """,
    ).tag(config=True)

    @validate("mount_path")
    def _validate_mount_path(self, proposal: Bunch) -> str:
        path = str(proposal["value"])
        if path != os.path.normpath(path) or not path.startswith("/") or path.count("/") < 2:
            raise TraitError(
                f"c.YarnSpawner.mount_path is {path!r}. It must be an absolute path of two names "
                "or more, such as '/srv/hdfs'."
            )
        return path
