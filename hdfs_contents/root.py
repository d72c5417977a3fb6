"""Opens the root directory in HDFS when the notebook server starts.

If that fails, a `StartupError` gives the reason and the remedy in one line.
"""

from __future__ import annotations

import errno
import getpass
import os
from collections.abc import Mapping
from pathlib import Path

from traitlets import TraitError

from hadoop_client.configuration import (
    HDFS_VARIABLE,
    Configuration,
    ConfigurationError,
    site_directory,
)
from hadoop_client.hdfs.combined import CombinedFileSystem
from hadoop_client.hdfs.filesystem import FileSystem, Kind, open_filesystem
from hadoop_client.hdfs.homes import make_home_command
from hadoop_client.hdfs.local import LocalFileSystem
from hadoop_client.hdfs.paths import join
from hdfs_contents.paths import InvalidPathError, normalize_root, to_hdfs
from hdfs_contents.shared import SharedDirectories, check_shown_name


class StartupError(TraitError):
    """The notebooks cannot be served. The text is shown to the user.

    jupyter_server logs a TraitError in one line and exits.
    """


def set_hadoop_user() -> str:
    """Set HADOOP_USER_NAME, so that this process uses HDFS as one user, and return it.

    It is HADOOP_USER_NAME, else JUPYTERHUB_USER, else the account that runs this process.
    """
    name = (
        os.environ.get("HADOOP_USER_NAME") or os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    )
    os.environ["HADOOP_USER_NAME"] = name
    return name


def directory_from_template(
    template: str, user: str, trait: str = "HDFSContentsManager.root_dir_template"
) -> str:
    """Return the user's directory from a template, the value of `trait`."""
    if "/" in user:
        raise StartupError(
            f"The user name {user!r} contains a slash and cannot be the name of a directory."
        )
    option = f"c.{trait} = {template!r}"
    try:
        return normalize_root(template.format(username=user, home=home_directory(user)))
    except InvalidPathError as error:
        raise StartupError(f"{option} does not give a valid directory: {error}.") from error
    except (LookupError, ValueError, AttributeError) as error:
        raise StartupError(
            f"{option} must not contain braces other than {{home}} and {{username}}."
        ) from error


def home_directory(user: str) -> str:
    """Return a user's home directory in HDFS: below `dfs.user.home.dir.prefix` if it is set."""
    return (_find_configuration() or Configuration({})).home_directory(user)


def namenode_url(host: str, port: int) -> str | None:
    """Return the URL of a NameNode or a name service; None for the configuration's default."""
    if host == "default":
        return None
    return f"hdfs://{host}:{port}" if port else f"hdfs://{host}"


def open_root(root: str, url: str | None, *, create: bool, kind: Kind = "auto") -> FileSystem:
    """Open HDFS, and check that `root` is a directory that the user may list."""
    fs = _open(url, kind)
    try:
        if not fs.exists(root):
            if not create:
                raise StartupError(
                    f"HDFS has no directory {root}. Create it, or set "
                    "c.HDFSContentsManager.create_root_dir_on_startup = True."
                )
            fs.mkdirs(root, mode=0o700)
        fs.list_dir(root)
    except PermissionError as error:
        raise StartupError(_access_denied(fs, root, error)) from error
    except OSError as error:
        advice = ""
        if isinstance(error, (ConnectionError, TimeoutError)):
            advice = f" Check that HDFS is running ({url or f'configured in {site_directory()}'})."
        raise StartupError(
            f"The directory {root} in HDFS cannot be opened: {error.strerror}.{advice}"
        ) from error
    return fs


def share(root: str, directories: Mapping[str, str]) -> SharedDirectories:
    """Return the links to shared directories in `root`."""
    try:
        return SharedDirectories(root, directories)
    except InvalidPathError as error:
        option = f"c.HDFSContentsManager.shared_dirs = {dict(directories)!r}"
        raise StartupError(f"{option} cannot be used: {error}.") from error


def add_local_dirs(
    fs: FileSystem, root: str, directories: Mapping[str, str], shared: SharedDirectories
) -> FileSystem:
    """Return `fs` with local directories shown in `root`, by name."""
    mounts: dict[str, FileSystem] = {}
    for name, directory in directories.items():
        option = f"c.HDFSContentsManager.local_dirs = {{{name!r}: {directory!r}}}"
        if join(root, name) in shared.links:
            raise StartupError(f"{option} cannot be used: a shared directory has the same name.")
        local = Path(os.path.expandvars(directory)).expanduser()
        try:
            check_shown_name(name)
            mount = to_hdfs(root, name)
            local.mkdir(parents=True, exist_ok=True)
        except (InvalidPathError, OSError) as error:
            raise StartupError(f"{option} cannot be used: {error}.") from error
        mounts[mount] = LocalFileSystem(mount, local.absolute(), fs.user)
    return CombinedFileSystem(fs, mounts) if mounts else fs


def _open(url: str | None, kind: Kind) -> FileSystem:
    configuration = _find_configuration()
    if url is None:
        _require_default_filesystem(configuration)
    try:
        return open_filesystem(url, kind)
    except ImportError as error:
        raise StartupError(
            "HDFSContentsManager needs the Python package hdfs-native, which is not installed: "
            "pip install 'yarnhub[notebook]'."
        ) from error
    except OSError as error:
        if error.errno == errno.ELIBACC:
            raise StartupError(
                f'c.HDFSContentsManager.filesystem_kind = "{kind}": {error.strerror}.'
            ) from error
        source = url or f"the configuration in {site_directory()}"
        raise StartupError(f"HDFS cannot be opened with {source}: {error.strerror}.") from error


def _find_configuration() -> Configuration | None:
    """Read the site files; return None if there are none."""
    try:
        return Configuration.find()
    except ConfigurationError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError):
            raise StartupError(f"HDFS cannot be opened: {error}") from error
        directory = site_directory()
        path = cause.filename if os.access(directory, os.X_OK) else directory
        raise _configuration_error(f"{path} cannot be read ({cause.strerror})") from error


def _require_default_filesystem(configuration: Configuration | None) -> None:
    directory = site_directory()
    if HDFS_VARIABLE in os.environ:
        return
    if configuration is not None:
        if "fs.defaultFS" not in configuration.properties():
            raise _configuration_error(
                f"the configuration in {directory} does not set fs.defaultFS"
            )
        try:
            _ = configuration.hdfs
        except ConfigurationError as error:
            raise StartupError(f"HDFS cannot be opened: {error}") from error
    elif directory.is_dir():
        raise _configuration_error(f"{directory} contains no Hadoop configuration")
    else:
        raise _configuration_error(f"the directory {directory} does not exist")


def _configuration_error(reason: str) -> StartupError:
    # YARN's own HADOOP_CONF_DIR, which a container gets by default, may be a directory that only
    # the NodeManager reads.
    return StartupError(
        f"HDFS cannot be opened: {reason}. Set HADOOP_CONF_DIR to the directory with the cluster's "
        "client configuration. For servers on YARN, ask an administrator to set "
        'c.YarnSpawner.environment = {"HADOOP_CONF_DIR": "/etc/hadoop/conf"}.'
    )


def _access_denied(fs: FileSystem, root: str, error: PermissionError) -> str:
    """Return the message for a root that the user may not use, or cannot create for lack of a home
    directory."""
    refusal = f"{fs.user} has no access to the directory {root} in HDFS ({error.strerror})."
    home = home_directory(fs.user)
    if not f"{root}/".startswith(f"{home}/"):
        return f"{refusal} Set c.HDFSContentsManager.root_dir to a directory of {fs.user}'s own."
    return f"{refusal} Ask an administrator to run: {make_home_command(fs.user, home, 0o700)}"
