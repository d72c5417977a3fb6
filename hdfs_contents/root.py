"""Opening HDFS when the notebook server starts: it works, or one sentence says why not and what to
do about it."""

from __future__ import annotations

import errno
import getpass
import os
from collections.abc import Mapping
from pathlib import Path

from traitlets import TraitError

from hadoop_client.configuration import Configuration, ConfigurationError, site_folder
from hadoop_client.hdfs.combined import CombinedFileSystem
from hadoop_client.hdfs.filesystem import FileSystem, Kind, open_filesystem
from hadoop_client.hdfs.homes import make_home_command
from hadoop_client.hdfs.local import LocalFileSystem
from hdfs_contents.paths import InvalidPathError, is_hidden, normalize_root, to_hdfs


class StartupError(TraitError):
    """The notebooks can't be served; the text is a sentence for a person.

    As a TraitError it is one line in the log of jupyter_server, which then exits.
    """


def identify() -> str:
    """Say who the person is: HADOOP_USER_NAME, else JUPYTERHUB_USER, else who runs this process.

    Sets HADOOP_USER_NAME, so that all that this process does in HDFS is done by one person.
    """
    name = (
        os.environ.get("HADOOP_USER_NAME") or os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    )
    os.environ["HADOOP_USER_NAME"] = name
    return name


def root_from(
    template: str, name: str, trait: str = "HDFSContentsManager.root_dir_template"
) -> str:
    """Return the directory for a person, from the template that is the value of `trait`."""
    if "/" in name:
        raise StartupError(f"The user name {name!r} has a slash in it and can't name a directory.")
    option = f"c.{trait} = {template!r}"
    try:
        return normalize_root(template.format(username=name, home=home_directory(name)))
    except InvalidPathError as error:
        raise StartupError(f"{option} gives no directory: {error}.") from error
    except (LookupError, ValueError, AttributeError) as error:
        raise StartupError(
            f"{option} may have {{home}} and {{username}} in it, no other braces."
        ) from error


def home_directory(user: str) -> str:
    """Return a user's home directory in HDFS: `dfs.user.home.dir.prefix` if it is configured."""
    return (Configuration.find() or Configuration({})).home_directory(user)


def namenode_url(host: str, port: int) -> str | None:
    """Return the address for `open_filesystem`; None is what the Hadoop configuration names."""
    if host == "default":
        return None
    return f"hdfs://{host}:{port}" if port else f"hdfs://{host}"


def open_root(root: str, url: str | None, *, create: bool, kind: Kind = "auto") -> FileSystem:
    """Open HDFS and see to it that `root` is a directory that can be listed."""
    fs = _open(url, kind)
    try:
        if not fs.exists(root):
            if not create:
                raise StartupError(
                    f"HDFS has no directory {root}, and "
                    "c.HDFSContentsManager.create_root_dir_on_startup is off."
                )
            fs.mkdirs(root, mode=0o700)
        fs.list_dir(root)
    except PermissionError as error:
        raise StartupError(_no_right(fs, root, error)) from error
    except OSError as error:
        advice = ""
        if isinstance(error, (ConnectionError, TimeoutError)):
            where = url or "that the configuration in HADOOP_CONF_DIR names"
            advice = f" Check that the HDFS {where} is running."
        raise StartupError(
            f"The notebooks in HDFS, in {root}, can't be opened: {error.strerror}.{advice}"
        ) from error
    return fs


def with_local_dirs(fs: FileSystem, root: str, folders: Mapping[str, str]) -> FileSystem:
    """Return `fs` with folders of this machine in `root`, by their names."""
    mounts: dict[str, FileSystem] = {}
    for name, folder in folders.items():
        option = f"c.HDFSContentsManager.local_dirs = {{{name!r}: {folder!r}}}"
        if not name or "/" in name or is_hidden(name):
            raise StartupError(f"{option}: a name has no slash in it and begins with no dot.")
        local = Path(os.path.expandvars(folder)).expanduser()
        try:
            mount = to_hdfs(root, name)
            local.mkdir(parents=True, exist_ok=True)
        except (InvalidPathError, OSError) as error:
            raise StartupError(f"{option} can't be shown: {error}.") from error
        mounts[mount] = LocalFileSystem(mount, local.absolute(), fs.user)
    return CombinedFileSystem(fs, mounts) if mounts else fs


def _open(url: str | None, kind: Kind) -> FileSystem:
    try:
        if url is None:
            Configuration.load()
        return open_filesystem(url, kind)
    except ConfigurationError as error:
        raise StartupError(
            f"There is no HDFS to keep notebooks in: {error} Or set "
            "c.HDFSContentsManager.hdfs_host."
        ) from error
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
        where = url or f"the configuration in {site_folder()}"
        raise StartupError(f"HDFS cannot be opened with {where}: {error.strerror}.") from error


def _no_right(fs: FileSystem, root: str, error: PermissionError) -> str:
    """Say what to run for a person without a home in HDFS, or what to set."""
    refusal = f"{fs.user} has no right to the directory {root} in HDFS ({error.strerror})."
    home = home_directory(fs.user)
    if not f"{root}/".startswith(f"{home}/"):
        return f"{refusal} Set c.HDFSContentsManager.root_dir to one that is {fs.user}'s."
    return f"{refusal} Ask an administrator to run: {make_home_command(fs.user, home, 0o700)}"
