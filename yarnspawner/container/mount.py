"""HDFS as a directory of the server, mounted by the server's own process before it loads anything.

The process enters a new mount namespace, which its children inherit, and sends the device of
the mount to the application master, whose daemon serves it (`mount_daemon`). No request on the
mount is answered before that, so nothing here touches the mounted directory.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress

from yarnspawner.container.payload import (
    LOCAL_ROOT_VARIABLE,
    MOUNT_FAILURE_VARIABLE,
    MOUNT_REQUIRED_VARIABLE,
    MOUNT_SOCKET_VARIABLE,
    MOUNT_VARIABLE,
)

#: The name of the link to the mount in the server's home directory.
HOME_LINK = "hdfs"

#: The message that carries the device.
DEVICE = b"device"

#: With these git takes a directory for a bare repository only if it is named as one. All files of
#: the mount seem to be the user's own, so git does not see that another user has made it.
GIT_VARIABLES = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.bareRepository",
    "GIT_CONFIG_VALUE_0": "explicit",
}


class NotMountedError(Exception):
    """HDFS could not be mounted. The message is one sentence for the server's user."""


def mount_hdfs() -> None:
    """Mount HDFS if the launch asks for it.

    Without a mount, the server's environment has the reason; raises `NotMountedError` if the launch
    requires one.
    """
    required = bool(os.environ.pop(MOUNT_REQUIRED_VARIABLE, ""))
    number = os.environ.pop(MOUNT_SOCKET_VARIABLE, "")
    if not number:
        return
    path = os.environ[MOUNT_VARIABLE]
    with socket.socket(fileno=int(number)) as master:
        try:
            device = _enter(path)
            try:
                socket.send_fds(master, [DEVICE], [device])
            finally:
                os.close(device)
        except NotMountedError as failure:
            if required:
                raise
            del os.environ[MOUNT_VARIABLE]
            os.environ[MOUNT_FAILURE_VARIABLE] = str(failure)
            print(failure, file=sys.stderr)  # noqa: T201 - the container's log is our console
            return
    if "GIT_CONFIG_COUNT" not in os.environ:
        os.environ.update(GIT_VARIABLES)
    _link_home(path)


def _enter(path: str) -> int:
    """Enter the namespace and mount; returns the device. Raises `NotMountedError`."""
    try:
        from hdfs_contents.mount import namespace  # the environment's, not the payload's
    except ImportError:
        raise NotMountedError(
            "HDFS is not mounted: the server's Python environment has no hdfs_contents.mount. "
            "Install yarnhub[notebook] in it and publish it again with yarnhub pack-env."
        ) from None
    try:
        return namespace.enter(path)
    except namespace.MountError as error:
        remedy = "Ask an administrator to run yarnhub check mount."
        raise NotMountedError(f"{error}. {remedy}") from error


def _link_home(path: str) -> None:
    """Make `~/hdfs` lead to the mount, in the container's home directory but not in one that other
    processes of the user have too."""
    home, container = os.environ["HOME"], os.path.dirname(os.environ[LOCAL_ROOT_VARIABLE])  # noqa: PTH120
    if os.path.dirname(home) == container:  # noqa: PTH120
        with suppress(FileExistsError):
            os.symlink(path, os.path.join(home, HOME_LINK))  # noqa: PTH118, PTH211
