"""The options of the contents manager."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import get_args

from jupyter_server.services.contents.manager import AsyncContentsManager
from traitlets import Bool, Dict, Enum, Integer, TraitError, Unicode, default, validate

from hadoop_client.hdfs.filesystem import Kind
from hdfs_contents import root
from hdfs_contents.paths import InvalidPathError, normalize_root


class ContentsOptions(AsyncContentsManager):
    """Where notebooks are in HDFS, and what may be done with them."""

    root_dir = Unicode(
        config=True,
        help="""
        The root directory, an absolute path in HDFS. By default it is derived from
        root_dir_template.
        """,
    )

    root_dir_template = Unicode(
        "{home}/notebooks",
        config=True,
        help="""
        A template for the root directory of each user. {home} is the user's home directory in HDFS.
        {username} is the user's name: HADOOP_USER_NAME, else JUPYTERHUB_USER, else the account that
        runs the notebook server. Change it to keep notebooks elsewhere, for example in
        "/projects/{username}".
        """,
    )

    show_all_of_hdfs = Bool(
        False,
        config=True,
        help="""
        Show all of HDFS in the file browser, which then starts in root_dir. Users reach shared
        directories and open any path that they may read. HDFS permissions decide, as always.
        """,
    )

    create_root_dir_on_startup = Bool(
        True,
        config=True,
        help="""
        Create root_dir when the server starts if it does not exist, accessible only to its owner.
        If this is off, the server does not start without it.
        """,
    )

    hdfs_host = Unicode(
        "default",
        config=True,
        help="""
        The host of the NameNode, or a name service of the Hadoop configuration. By default it is
        taken from fs.defaultFS in HADOOP_CONF_DIR. Set it to use another HDFS than the cluster's
        default.
        """,
    )

    hdfs_port = Integer(
        0, config=True, help="The port of the NameNode on hdfs_host; 0 for a name service."
    )

    filesystem_kind = Enum(
        get_args(Kind),
        "auto",
        config=True,
        help="""
        The client that transfers file contents. "native" is hdfs-native, which needs no Java.
        "libhdfs" is Hadoop's own client in a JVM; set it if all notebooks are in an encryption zone
        whose key hdfs-native cannot get. "auto" uses libhdfs only for files in such a zone.
        """,
    )

    delete_to_trash = Bool(
        True,
        config=True,
        help="""
        Move deleted files to the user's trash in HDFS, if the cluster has one (fs.trash.interval).
        Until the trash is emptied, hdfs dfs -mv restores them. If this is off, files are deleted
        permanently.
        """,
    )

    local_dirs = Dict(
        value_trait=Unicode(),
        config=True,
        help="""
        Local directories of the server's machine to show in the root directory, by name; by default
        none. They are created if they do not exist, and environment variables in their paths are
        expanded. Their files may be deleted when the server ends. Set it to show users the files
        that kernels see, for example {"scratch": "$PWD/scratch"}.
        """,
    )

    shared_dirs = Dict(
        value_trait=Unicode(),
        config=True,
        help="""
        Directories of HDFS to show in the root directory, by name; by default none. Their files
        keep their paths in HDFS, and HDFS permissions decide who may read and change them. Kernels
        and terminals find them under the same name. Set it to show users the directories of their
        team, for example {"team": "/data/team"}.
        """,
    )

    always_delete_dir = Bool(
        False,
        config=True,
        help="""
        Allow users to delete directories that are not empty if they cannot be moved to the trash:
        they are then deleted permanently.
        """,
    )

    max_document_size_mb = Integer(
        200,
        config=True,
        help="""
        The size in megabytes of the largest file that can be opened as a document. A document is
        held in memory as a whole. Larger files can still be downloaded, uploaded and copied.
        """,
    )

    max_listed_entries = Integer(
        10_000,
        min=1,
        config=True,
        help="""
        The number of entries of a directory that are listed, the first ones by name. The list then
        has one more entry, whose name says how many are missing. Code and terminals see all. Each
        1,000 entries are 0.3 MB for the browser, and take 5 ms in which the server answers nothing
        else.
        """,
    )

    max_copy_folder_size_mb = Integer(
        500,
        config=True,
        help="""
        The size in megabytes of the largest directory that can be copied, or moved between file
        systems by a copy. The browser waits for it.
        """,
    )

    hash_algorithm = Enum(
        sorted(name for name in hashlib.algorithms_available if not name.startswith("shake")),
        "sha256",
        config=True,
        help="The algorithm of the content hash that clients may request.",
    )

    @default("root_dir")
    def _default_root_dir(self) -> str:
        return root.directory_from_template(self.root_dir_template, root.set_hadoop_user())

    @validate("root_dir")
    def _validate_root_dir(self, proposal: Mapping[str, str]) -> str:
        try:
            return normalize_root(proposal["value"])
        except InvalidPathError as error:
            raise TraitError(f"c.HDFSContentsManager.root_dir: {error}") from error
