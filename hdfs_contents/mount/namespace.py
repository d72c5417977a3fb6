"""Enters a private user and mount namespace and mounts there; the standard library only.

`enter` runs in the single-threaded process that becomes the notebook server, before anything else
is loaded. All its children see the mount, and no other process of the machine does. Neither root
nor a setuid program is needed. The kernel decides who may do this, so a node can refuse it; then a
`MountError` says in one sentence what is missing, and the process is as it was before.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from pathlib import Path

#: Where HDFS is on each node, unless configured otherwise.
DEFAULT_PATH = "/srv/hdfs"

#: Names another device than /dev/fuse.
DEVICE_VARIABLE = "YARNHUB_FUSE_DEVICE"

_DEVICE = "/dev/fuse"

_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC = 2, 4, 8, 4096, 16384

#: More entries than an administrator puts into /srv; all of them stay visible.
_MAX_SIBLINGS = 256

_MAX_READ = 1024 * 1024

_FAILURE = struct.Struct("<i")


class MountError(OSError):
    """HDFS cannot be mounted on this node. The text is a sentence for a user."""

    def __str__(self) -> str:
        return str(self.strerror)


def enter(path: str = DEFAULT_PATH, device: str | None = None) -> int:
    """Mount at `path` in a namespace of this process's own; return the open device.

    The process must have one thread. It keeps its user and group. A directory that is missing is
    made in a tmpfs over its parent, in which all that was there before can still be seen.

    The caller passes the device to the daemon, and the process holds it no longer than that: if the
    daemon dies, its holder starts another one. `device` is by default the environment's
    YARNHUB_FUSE_DEVICE, or /dev/fuse.
    """
    device = device or os.environ.get(DEVICE_VARIABLE) or _DEVICE
    _require(path, device)
    _rehearse(path, device)
    return _enter(path, device)


def _require(path: str, device: str) -> None:
    """Raise MountError for what can be seen beforehand."""
    if not Path(path).is_absolute() or os.path.normpath(path) != path or path == "/":
        raise MountError(errno.EINVAL, f"HDFS cannot be mounted at {path!r}: it must be absolute")
    if not Path(path).is_dir() and not Path(path).parent.is_dir():
        raise MountError(
            errno.ENOENT,
            f"HDFS cannot be mounted at {path}: this node has no directory {Path(path).parent}",
        )
    if Path(path).parent.stat().st_mode & stat.S_IWOTH:
        # Another account could put a link there, or remove the directory and so the mount.
        raise MountError(
            errno.EPERM,
            f"HDFS cannot be mounted at {path}: all accounts of this node can write to "
            f"{Path(path).parent}",
        )
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        raise MountError(
            errno.ENOENT, f"HDFS cannot be mounted: this node has no {device} (kernel module fuse)"
        ) from None
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise MountError(
            error.errno or errno.EIO, f"HDFS cannot be mounted: {device} cannot be opened: {reason}"
        ) from error


def _rehearse(path: str, device: str) -> None:
    """Mount in a child process, and raise its MountError.

    A process that has entered a namespace cannot leave it, so a failure must not happen in this
    one.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        message = b""
        try:
            _enter(path, device)
        except MountError as error:
            message = _FAILURE.pack(error.errno or errno.EIO) + str(error).encode()
        except BaseException as error:  # noqa: BLE001 (a child never returns from here)
            message = _FAILURE.pack(errno.EIO) + f"HDFS cannot be mounted: {error}".encode()
        os.write(write, message)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        message = pipe.read()
    os.waitpid(child, 0)
    if message:
        (code,) = _FAILURE.unpack_from(message)
        raise MountError(code, message[_FAILURE.size :].decode())


def _enter(path: str, device: str) -> int:
    uid, gid = os.getuid(), os.getgid()
    _unshare(uid, gid)
    if not Path(path).is_dir():
        _make_directory(Path(path))
    # The kernel accepts only a device that was opened in this user namespace.
    fuse = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={fuse},rootmode=40000,user_id={uid},group_id={gid},max_read={_MAX_READ}"
    try:
        _mount("hdfs", path, "fuse.hdfs", _MS_NOSUID | _MS_NODEV, options)
    except OSError as error:
        os.close(fuse)
        reason = (error.strerror or "").lower()
        raise MountError(
            error.errno or errno.EIO,
            f"HDFS cannot be mounted at {path}: the kernel refused it: {reason}",
        ) from error
    return fuse


def _unshare(uid: int, gid: int) -> None:
    if _libc().unshare(_CLONE_NEWUSER | _CLONE_NEWNS):
        code = ctypes.get_errno()
        raise MountError(code, f"HDFS cannot be mounted: {_why_no_namespaces(code)}")
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    except OSError as error:
        code = error.errno or errno.EIO
        raise MountError(code, f"HDFS cannot be mounted: {_why_no_namespaces(code)}") from error


def _why_no_namespaces(code: int) -> str:
    """Return why this node gives users no namespaces, as far as its settings say."""
    if _sysctl("user/max_user_namespaces") == "0":
        return "this node has user namespaces switched off (sysctl user.max_user_namespaces is 0)"
    if _sysctl("kernel/unprivileged_userns_clone") == "0":
        return (
            "this node allows user namespaces to root only "
            "(sysctl kernel.unprivileged_userns_clone is 0)"
        )
    if _sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "AppArmor restricts user namespaces on this node "
            "(sysctl kernel.apparmor_restrict_unprivileged_userns is 1)"
        )
    return f"this node gives no user namespace: {os.strerror(code).lower()}"


def _sysctl(name: str) -> str | None:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return None


def _make_directory(path: Path) -> None:
    """Make a directory in a tmpfs over its parent, with all that the parent has in it."""
    parent = path.parent
    covered = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        entries = list(os.scandir(covered))
        if len(entries) > _MAX_SIBLINGS:
            raise MountError(
                errno.ENOTSUP,
                f"HDFS cannot be mounted at {path}: {parent} has more than {_MAX_SIBLINGS} "
                f"entries and no {path.name}",
            )
        try:
            _mount("hdfs", str(parent), "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
            path.mkdir(0o700)
            for entry in entries:
                _show(entry, covered, parent / entry.name)
        except OSError as error:
            raise MountError(
                error.errno or errno.EIO,
                f"HDFS cannot be mounted at {path}: the directory cannot be made: "
                f"{(error.strerror or '').lower()}",
            ) from error
    finally:
        os.close(covered)


def _show(entry: os.DirEntry[str], covered: int, target: Path) -> None:
    """Bind an entry of the covered directory to its place in the tmpfs."""
    if entry.is_symlink():
        target.symlink_to(os.readlink(entry.name, dir_fd=covered))
        return
    if entry.is_dir():
        target.mkdir()
    else:
        target.touch()
    _mount(f"/proc/self/fd/{covered}/{entry.name}", str(target), "", _MS_BIND | _MS_REC, "")


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    arguments = (os.fsencode(text) for text in (source, target, kind))
    if _libc().mount(*arguments, ctypes.c_ulong(flags), os.fsencode(options)):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), target)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
