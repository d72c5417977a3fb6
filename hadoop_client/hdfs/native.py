"""HDFS through hdfs-native: the `FileSystem` without a JVM.

In an encryption zone it decrypts and encrypts content with keys from the configuration's KMS. If it
cannot get a key, it raises ENOKEY. It never reads or writes the encrypted bytes themselves.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from operator import attrgetter
from urllib.parse import urlsplit

import hdfs_native

from hadoop_client.configuration import HDFS_VARIABLE, Configuration, ConfigurationError
from hadoop_client.hdfs import umask, viewfs, zone_trash
from hadoop_client.hdfs.acl import permissions_for_copy
from hadoop_client.hdfs.deadline import Deadline
from hadoop_client.hdfs.errors import NAMESERVICE_BORDER
from hadoop_client.hdfs.interface import FileStatus, FileSystem, Usage
from hadoop_client.hdfs.native_files import Calls, NativeReader, NativeWriter
from hadoop_client.hdfs.native_settings import NO_DIRECTORY, native_settings, native_url
from hadoop_client.hdfs.new_file import NewFileWriter, acl_or_none
from hadoop_client.hdfs.paths import parent
from hadoop_client.security.identity import account, own_user

#: Reports a NameNode that refuses connections after a second; the defaults take 3 minutes.
_FAIL_SOON = {
    "dfs.client.failover.max.attempts": "3",
    "dfs.client.failover.sleep.base.millis": "100",
    "dfs.client.failover.sleep.max.millis": "500",
    # A DataNode that is silent for so long is given up: the next one answers within the deadline.
    "dfs.client.socket-timeout": "8000",
}

#: The protocol's -1, which leaves a time unchanged, as an unsigned number for hdfs-native.
_SAME_TIME = 2**64 - 1

#: The NameNode's latest time. Its earliest is 1970: it ignores a negative one.
_LATEST_MS = 2**63 - 1


class NativeFileSystem(FileSystem):
    """See `hadoop_client.hdfs.interface.FileSystem`."""

    def __init__(
        self, url: str | None, timeout: float, configuration: Mapping[str, str] | None = None
    ) -> None:
        """Use the properties of the site files, overridden by `configuration`."""
        self._calls = Calls(Deadline(timeout))
        self._url = url
        try:
            site = Configuration.find()
            named = os.environ.get(HDFS_VARIABLE)
            self._site = known = site or Configuration({})
            settings = {**native_settings(known), **_FAIL_SOON, **(configuration or {})}
            self._mounts = known.mounts_of(url)
            target = native_url(known, url or known.hdfs) if url or site or named else None
        except ConfigurationError as error:
            raise OSError(errno.EINVAL, str(error).rstrip("."), url) from error
        if url and target != url.strip():
            _refuse_unknown_name(url, known)
        self._hdfs = self._calls(
            url or "", hdfs_native.Client, target, settings, config_dir=NO_DIRECTORY
        )
        # hdfs-native connects with the first call, so the NameNodes are authenticated before that.
        self._check = partial(_check_namenodes, site, url) if site and site.kerberos else None
        self._user: str | None = None

    @property
    def _client(self) -> hdfs_native.Client:
        """The client of NameNodes that have authenticated themselves; raises OSError."""
        check = self._check
        if check is not None:
            self._calls(self._url or "", check)
            self._check = None
        return self._hdfs

    @property
    def user(self) -> str:
        if self._user is None:
            try:
                self._user = own_user()
            except ConfigurationError:
                return account()  # not logged in yet: each call raises the cause
        return self._user

    def stat(self, path: str) -> FileStatus:
        return viewfs.stat(self._mounts, path, self._stat)

    def _stat(self, path: str) -> FileStatus:
        status = _status(self._calls(path, self._client.get_file_info, path))
        # Never a path from the NameNode's answer.
        return status._replace(path=path.rstrip("/") or "/")

    def list_dir(self, path: str) -> list[FileStatus]:
        return viewfs.list_dir(self._mounts, path, self._list_own, self.stat)

    def _list_own(self, path: str) -> list[FileStatus]:
        entries = self._calls(path, self._list_dir, path)
        if len(entries) == 1 and entries[0].path == path:  # the NameNode lists a file as itself
            raise NotADirectoryError(errno.ENOTDIR, "it is a file, not a directory", path)
        refuse_paths_outside(path, entries)
        return entries

    def _list_dir(self, path: str) -> list[FileStatus]:
        return [_status(entry) for entry in self._client.list_status(path)]

    def mkdirs(self, path: str, mode: int | None = None, *, umask: int = 0) -> None:
        mode = self._mode_of_new(path, 0o777, mode, umask)
        self._calls(path, self._client.mkdirs, path, mode, True)

    def check_write(self, path: str) -> None:
        # Setting the times requires write permission; leaving both unchanged changes nothing.
        self._calls(path, self._client.set_times, path, _SAME_TIME, _SAME_TIME)

    def is_being_written(self, path: str) -> bool:
        return self._unclosed(path)

    @cached_property
    def _unclosed(self) -> Callable[[str], bool]:
        # Not loaded before: our own RPC client is a quarter of what HDFS needs.
        from hadoop_client.hdfs.unclosed import UnclosedFiles

        return UnclosedFiles(self._site, self._url).contains

    def open_read(self, path: str) -> NativeReader:
        return NativeReader(self._calls, path, self._calls(path, self._client.read, path))

    def open_write(self, path: str, mode: int | None = None, *, umask: int = 0) -> NativeWriter:
        mode = self._mode_of_new(path, 0o666, mode, umask)
        return NewFileWriter(self._calls, path, self._client, mode)

    def open_append(self, path: str) -> NativeWriter:
        try:
            return NativeWriter(self._calls, path, self._calls(path, self._client.append, path))
        except OSError as error:
            if error.errno == errno.EIO:
                reason = f"it cannot be appended to: {error.strerror}"
                raise OSError(errno.ENOTSUP, reason, path) from error
            raise

    def recover(self, path: str) -> None:
        self._calls(path, self._client.recover_lease, path)

    def _mode_of_new(self, path: str, most: int, mode: int | None, umask: int) -> int:
        """Return the mode for a new file or directory: `mode`, or else `most` and Hadoop's umask,
        less the umask unless the parent has a default ACL. The NameNode grants only permissions
        that both mode and default ACL have."""
        if mode is None:
            mode, umask = most, self._umask
        return mode if not mode & umask or self._is_given_access(path) else mode & ~umask

    def _is_given_access(self, path: str) -> bool:
        """Return whether the parent directory has a default ACL, which new entries inherit."""
        above = parent(path)
        try:
            acl = self._acl_or_none(above)
        except FileNotFoundError:  # a missing parent will inherit from its own parent
            return self._is_given_access(above)
        return acl is not None and any(entry.scope == "default" for entry in acl.entries)

    @cached_property
    def _umask(self) -> int:
        return umask.umask()

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        try:
            self._calls(source, self._client.rename, source, target, overwrite)
        except OSError as error:
            error.filename2 = target
            raise

    def delete(self, path: str, *, recursive: bool = False) -> None:
        if not self._calls(path, self._client.delete, path, recursive):
            raise FileNotFoundError(errno.ENOENT, "there is no such file or directory", path)

    def trash(self, path: str) -> str | None:
        try:
            return self._calls(path, self._client.trash, path)
        except OSError as error:
            if isinstance(error.__cause__, hdfs_native.TrashNotEnabledError):
                return None
            # Routers of Hadoop 3.1 move nothing to the trash that is in another name service.
            if error.errno != errno.EXDEV or error.strerror == NAMESERVICE_BORDER:
                raise
            return zone_trash.trash(self, path)

    def usage(self, path: str) -> Usage:
        summary = self._calls(path, self._client.get_content_summary, path)
        names = summary.file_count + summary.directory_count
        return Usage(
            files=summary.file_count,
            size_bytes=summary.length,
            names_left=_left(summary.quota, names),
            bytes_left=_left(summary.space_quota, summary.space_consumed),
        )

    def set_permission(self, path: str, mode: int) -> None:
        self._calls(path, self._client.set_permission, path, mode)

    def set_times(
        self, path: str, *, modified_ms: int | None = None, accessed_ms: int | None = None
    ) -> None:
        given = (modified_ms, accessed_ms)
        times = (_SAME_TIME if ms is None else min(max(ms, 0), _LATEST_MS) for ms in given)
        self._calls(path, self._client.set_times, path, *times)

    def set_owner(self, path: str, *, owner: str | None = None, group: str | None = None) -> None:
        self._calls(path, self._client.set_owner, path, owner, group)

    def set_replication(self, path: str, copies: int) -> None:
        if not self._calls(path, self._client.set_replication, path, copies):
            self.stat(path)  # raises if the path does not exist
            raise IsADirectoryError(errno.EISDIR, "a directory has no replicas", path)

    def copy_access(self, source: str, target: str, *, replaces: bool = False) -> FileStatus:
        acl = self._acl_or_none(source)
        original = acl or self._calls(source, self._client.get_file_info, source)
        copy = self._with_group(self.stat(target), original.group)
        changes_owner = acl is not None and replaces and copy.owner != original.owner
        mode, entries = permissions_for_copy(
            original.permission,
            acl.entries if acl else [],
            same_group=copy.group == original.group,
            former_owner=original.owner if changes_owner else None,
        )
        if acl is None:
            self.set_permission(target, mode)
        else:  # even without entries: they replace those that the copy's directory gave it
            self._calls(target, self._client.set_acl, target, entries)
            if mode & 0o1000:  # an ACL has no sticky bit
                self.set_permission(target, mode)
        return copy._replace(mode=mode)

    def _acl_or_none(self, path: str) -> hdfs_native.AclStatus | None:
        return acl_or_none(self._calls, self._client, path)

    def _with_group(self, status: FileStatus, group: str) -> FileStatus:
        if status.group == group:
            return status
        try:
            self._calls(status.path, self._client.set_owner, status.path, None, group)
        except PermissionError:
            return status
        return status._replace(group=group)


def _refuse_unknown_name(url: str, site: Configuration) -> None:
    """Raise OSError (EINVAL) if a URL without a port names neither a name service nor a host."""
    address = urlsplit(url.strip())
    if address.netloc in site.get_list("dfs.nameservices"):
        return
    try:
        socket.getaddrinfo(address.hostname, None)
    except OSError as error:
        reason = "the Hadoop configuration has no NameNode of that name, and no host is found by it"
        raise OSError(errno.EINVAL, reason, url) from error


def _check_namenodes(site: Configuration, url: str | None) -> None:
    # Not loaded without Kerberos, for the same reason as `unclosed`.
    from hadoop_client.hdfs.namenode_check import check_namenodes

    check_namenodes(site, url)


def _left(quota: int, used: int) -> int | None:
    """Return the rest of a quota; None without one, which is -1, perhaps as an unsigned number."""
    return None if quota < 0 or quota >= 2**63 else max(quota - used, 0)


def refuse_paths_outside(directory: str, entries: Iterable[FileStatus]) -> None:
    """Raise an OSError, EBADMSG, for an entry whose name HDFS cannot have: empty, `.`, `..`, or
    with a slash.

    hdfs-native appends each name of the NameNode's answer to the directory's path.
    """
    above = directory.rstrip("/")
    for entry in entries:
        name = entry.name
        if name in ("", ".", "..") or entry.path != f"{above}/{name}":
            raise OSError(errno.EBADMSG, f"HDFS listed an invalid path: {entry.path!r}", directory)


#: In the order of FileStatus. One call gets all, because a directory may have thousands of files.
_FIELDS = attrgetter("path", "isdir", "length", "modification_time", "permission", "owner", "group")


def _status(native: hdfs_native.FileStatus) -> FileStatus:
    return FileStatus._make(_FIELDS(native))
