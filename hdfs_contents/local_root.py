"""The local directory that stands for the root in HDFS: where kernels, terminals and extensions of
the server find the files that the file browser shows.

With a mount it is the root itself, below the mount. Without one, servers on YARN have a local
directory that contains only `scratch-lost-at-stop`, which the file browser shows beside the files
in HDFS. Paths of the contents API are valid below it in both cases.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

#: Variables of servers on YARN, set by `yarnspawner.container`: the path at which HDFS is mounted,
#: the reason why it is not, and the local root of a server without a mount.
MOUNT_VARIABLE = "YARNHUB_MOUNT"
MOUNT_FAILURE_VARIABLE = "YARNHUB_MOUNT_FAILURE"
LOCAL_ROOT_VARIABLE = "YARNHUB_LOCAL_ROOT"

#: The local directory in which kernels start without a mount.
SCRATCH = "scratch-lost-at-stop"

README = """# Files in this directory are lost when the server stops

Notebooks and terminals of this server start in this directory, on the disk of one node.
Code does not see the files that the file browser shows elsewhere, which are in HDFS.

{reason}

To keep a file, move it to another directory in the file browser.
"""

TURNED_OFF = "The mount of HDFS is turned off (c.YarnSpawner.mount)."


@dataclass(frozen=True)
class LocalRoot:
    """The directory `path`. Kernels start in the directory of their notebook or, if that is not
    below `path`, in `start`, which is a path of the contents API.

    `reason` is the sentence why HDFS is not mounted; empty with a mount.
    """

    path: str
    start: str = ""
    reason: str = ""

    @property
    def mounted(self) -> bool:
        """Whether the directory is the root in HDFS."""
        return not self.reason

    @property
    def shown(self) -> dict[str, str]:
        """The local directories to show in the root, by name."""
        return {self.start: f"{self.path}/{self.start}"} if self.start else {}

    @property
    def notice(self) -> str:
        """What a user has to know of a server without a mount."""
        return (
            f"Kernels and terminals start in {self.start}, whose files are lost when the server "
            f"stops. {self.reason}"
        )

    def os_path(self, api_path: str) -> str:
        """Return the local path of a path of the contents API."""
        return f"{self.path}/{api_path.strip('/')}"

    def kernel_directory(self, api_path: str) -> str:
        """Return the path of the contents API at which the kernel of a notebook starts."""
        directory = api_path.strip("/").rpartition("/")[0]
        if f"{directory}/".startswith(f"{self.start}/" if self.start else ""):
            return directory
        return self.start

    def serve(self, serverapp: ServerApp) -> None:
        """Make it the root of kernels, and the start of terminals."""
        serverapp.root_dir = self.path
        os.chdir(f"{self.path}/{self.start}")


def find(
    root: str, environment: Mapping[str, str], *, other_filesystem: bool = False
) -> LocalRoot | None:
    """Return the local root for the directory `root` in HDFS; None for servers outside YARN.

    The mount serves the default file system: `other_filesystem` is set if `root` is in another.
    Without a mount, the local directories are created.
    """
    mount = environment.get(MOUNT_VARIABLE)
    if mount and other_filesystem:
        reason = (
            f"HDFS is mounted at {mount}, but c.HDFSContentsManager.hdfs_host names another one."
        )
    elif mount:
        path = f"{mount}{root}".rstrip("/")
        try:
            Path(path).stat()
        except OSError as error:
            reason = f"HDFS is mounted, but {path} cannot be reached: {error.strerror}."
        else:
            return LocalRoot(path)
    else:
        reason = environment.get(MOUNT_FAILURE_VARIABLE) or TURNED_OFF
    local = environment.get(LOCAL_ROOT_VARIABLE)
    if not local:
        return None
    scratch = Path(local, SCRATCH)
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError), (scratch / "README.md").open("x") as file:
        file.write(README.format(reason=reason))
    return LocalRoot(local, SCRATCH, reason)
