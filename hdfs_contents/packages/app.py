"""Keeps the packages that a user installs with `%pip install` for the next server.

`--KeptPackages.enabled=True` turns on this extension of jupyter_server, in a server on YARN.

- Kernels and terminals install into a directory of the container. After each change, and when the
  server stops, its archive is saved in HDFS, in the user's home. The next server of the same Python
  and platform restores it.
- The directory is on the path of kernels and terminals only. The server has started before, so no
  package in it can break the server.
- A start does not wait. The first kernel waits until the packages are restored, or `start_seconds`.
- A failure ends nothing and overwrites nothing: an archive that could not be read is kept.
- Only the user can have written an archive that is restored (`hdfs_contents.session.store`).
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
import sysconfig
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Float, Integer

from hdfs_contents.local_root import LOCAL_ROOT_VARIABLE

#: The longest time that a stop waits for the last save. YARN usually ends the server sooner.
_STOP_SECONDS = 5.0

#: The longest time between two attempts after failures. Each may transfer the whole archive.
_LONGEST_WAIT = 300.0


class KeptPackages(ExtensionApp):
    """Keeps the packages that users install in HDFS, for their next server."""

    name = "kept_packages"

    enabled = Bool(
        False,
        config=True,
        help="""
        Keep the packages that `%pip install` installs. Servers on YARN have it turned on by
        c.YarnSpawner.keep_packages.
        """,
    )

    max_bytes = Integer(
        1_000_000_000,
        config=True,
        help="""
        The size limit of a user's packages in bytes, before compression. Larger ones are not saved:
        the server's log says so, and the last archive within the limit stays.
        """,
    )

    save_interval = Float(
        5.0,
        min=0.1,
        config=True,
        help="""
        Seconds between two checks for new packages. They are saved when nothing has changed
        between two checks. After failures the time doubles, up to 5 minutes.
        """,
    )

    start_seconds = Float(
        60.0,
        min=0.0,
        config=True,
        help="The longest time that a kernel's start waits for the packages, in seconds.",
    )

    _thread: threading.Thread | None = None

    def initialize_settings(self) -> None:
        """Set the variables of kernels and terminals, and restore when the server is ready."""
        local = os.environ.get(LOCAL_ROOT_VARIABLE)
        if not self.enabled or local is None:
            return
        if sys.prefix != sys.base_prefix:
            self.log.info("Packages are not kept: the server's Python is a venv.")
            return
        if not hasattr(tarfile, "data_filter"):
            self.log.info(
                "Packages are not kept: tarfile in Python %s has no extraction filters. Use a "
                "later Python %d.%d.",
                platform.python_version(),
                *sys.version_info[:2],
            )
            return
        server = self.serverapp
        assert server is not None
        base = Path(local).parent / "packages"
        os.environ.update(variables(base))
        self._stopping, self._restored = threading.Event(), threading.Event()
        prepare_kernels(server.kernel_manager, self._restored, self.start_seconds)
        self._thread = threading.Thread(
            target=self._keep, args=(base,), name="kept-packages", daemon=True
        )
        # After the start, which it would slow down.
        server.io_loop.add_callback(self._thread.start)

    def _keep(self, base: Path) -> None:
        """Restore, and save changes until the server stops."""
        from hdfs_contents.packages.kept import open_packages

        try:
            packages = open_packages(base, self.max_bytes, self.log)
            if packages is not None:
                packages.restore()
        finally:
            self._restored.set()
        wait = self.save_interval
        while packages is not None:
            longest = max(self.save_interval, _LONGEST_WAIT)
            wait = min(2 * wait, longest) if packages.failing else self.save_interval
            if self._stopping.wait(wait):
                packages.save()
                return
            packages.save_when_settled()

    async def stop_extension(self) -> None:
        """Save the last changes, before the server waits for its kernels to end."""
        if self._thread is not None and self._thread.is_alive():
            self._stopping.set()
            await asyncio.to_thread(self._thread.join, _STOP_SECONDS)


def variables(base: Path) -> dict[str, str]:
    """Return the variables with which kernels and terminals find packages and commands."""
    return {"PYTHONUSERBASE": str(base), "PATH": f"{os.environ['PATH']}{os.pathsep}{base}/bin"}


def kernel_variables() -> dict[str, str]:
    """Return the variables with which `%pip` installs packages there.

    pip does this by itself if it may not write to the environment. Terminals do not have the
    variable, because pip obeys it in a venv too.
    """
    return {"PIP_USER": "1"} if os.access(sysconfig.get_path("purelib"), os.W_OK) else {}


def prepare_kernels(manager: Any, ready: threading.Event, seconds: float) -> None:
    """Let each kernel of a jupyter_server's manager start with its variables, and when `ready` is
    set or after that time."""
    start: Callable[..., Any] = manager.start_kernel

    async def start_kernel(*args: Any, **options: Any) -> Any:
        if not ready.is_set():
            await asyncio.to_thread(ready.wait, seconds)
        if added := kernel_variables():
            options["env"] = {**(options.get("env") or os.environ), **added}
        return await start(*args, **options)

    manager.start_kernel = start_kernel


def _jupyter_server_extension_points() -> list[dict[str, str | type[KeptPackages]]]:
    return [{"module": "hdfs_contents.packages.app", "app": KeptPackages}]
