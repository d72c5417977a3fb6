"""Keeps a user's session in HDFS while no server runs: Lab settings and workspaces, the trust of
notebooks, and IPython's history.

`--SessionState.enabled=True` turns on this extension of jupyter_server. Guarantees:

- The session is restored before the server reads any of it. A failure does not fail the start, and
  the start waits only some seconds for HDFS.
- Changes are saved within seconds, and once more when the server stops, in a thread. A save that
  fails or is interrupted leaves the previous archive as it was.
- An archive that could not be read because HDFS was unavailable is not overwritten: reading it is
  retried until it succeeds. A damaged archive is renamed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import tempfile
import threading
import time
from typing import IO, TYPE_CHECKING

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Float, Integer, Unicode

from hadoop_client.hdfs.deadline import Deadline
from hadoop_client.hdfs.filesystem import open_filesystem
from hdfs_contents import root
from hdfs_contents.session import archive
from hdfs_contents.session.archive import ArchiveLimits, DamagedError, SessionItem
from hdfs_contents.session.attempts import KeptFiles
from hdfs_contents.session.store import DIRECTORY, SessionStore

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

#: The longest time that a start waits for HDFS.
_START_SECONDS = 5.0

#: The longest time that a stop waits for the last save. YARN usually ends the server sooner.
_STOP_SECONDS = 5.0

#: Wait this many times as long as a save took: saving uses at most a twentieth of a core, however
#: large the history is.
_PAUSE_PER_SAVE = 20


class SessionState(ExtensionApp):
    """Keeps Lab settings, workspaces, notebook signatures and IPython history in HDFS."""

    name = "session_state"

    enabled = Bool(
        False,
        config=True,
        help="""
        Restore Lab settings, workspaces, notebook signatures and IPython history when a server
        starts, and save them to HDFS while it runs. Servers on YARN have it turned on by
        c.YarnSpawner.session_state.
        """,
    )

    directory_template = Unicode(
        DIRECTORY,
        config=True,
        help="""
        The directory in HDFS for the archives of a user's servers, with {home} and {username} as in
        c.HDFSContentsManager.root_dir_template. Only its owner should have access: the archives
        contain the secret that signs notebooks. Set it on the command line of the servers, because
        the hub has to find the archives of a server or a user that is deleted:

            c.YarnSpawner.args = ["--SessionState.directory_template=/sessions/{username}"]
        """,
    )

    save_interval = Float(
        10.0, min=0.1, config=True, help="Seconds between two checks for changed files."
    )

    max_bytes = Integer(
        50_000_000,
        config=True,
        help="""
        The size limit of a session in bytes, before compression. Files beyond it are left out,
        IPython's history first. An archive that contains more is renamed and not restored.
        """,
    )

    max_file_bytes = Integer(
        20_000_000,
        config=True,
        help="The size limit of each file in bytes. Larger files are left out.",
    )

    _thread: threading.Thread | None = None

    def _link_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Restore the session. The server has not opened any of its files yet."""
        super()._link_jupyter_server_extension(serverapp)
        if not self.enabled:
            return
        try:
            directory = root.directory_from_template(
                self.directory_template, root.set_hadoop_user(), "SessionState.directory_template"
            )
        except root.StartupError as error:
            self.log.error("The session is not saved: %s", error)  # noqa: TRY400 (no traceback)
            return
        server_name = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
        self._session = Session(
            SessionStore(directory, server_name, open_filesystem),
            archive.session_items(),
            ArchiveLimits(self.max_bytes, self.max_file_bytes),
            self.log,
        )
        self._session.restore()
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._save_until_stopped, name="session-state", daemon=True
        )
        self._thread.start()

    def _save_until_stopped(self) -> None:
        pause = self.save_interval
        while not self._stopping.wait(pause):
            started = time.thread_time()
            self._session.save()
            pause = max(self.save_interval, _PAUSE_PER_SAVE * (time.thread_time() - started))
        self._session.save()

    async def stop_extension(self) -> None:
        """Save the last changes, before the server waits for its kernels to end."""
        if self._thread is not None:
            self._stopping.set()
            await asyncio.to_thread(self._thread.join, _STOP_SECONDS)


class Session(KeptFiles):
    """The local files of a session, and their archive in HDFS. Its methods raise nothing."""

    def __init__(
        self,
        store: SessionStore,
        items: tuple[SessionItem, ...],
        limits: ArchiveLimits,
        log: logging.Logger,
    ) -> None:
        super().__init__("session", log)
        self._store = store
        self._items = items
        self._limits = limits
        self._log = log
        self._deadline = Deadline(_START_SECONDS)
        self._saved_statuses: tuple[tuple[str, int, int], ...] = ()
        self._saved_digest = ""
        self._left_out: tuple[str, ...] = ()

    def _restore(self) -> None:
        limit = self._limits.total + archive.MAX_FILES * archive.OVERHEAD
        try:
            fetched = self._deadline.run(self._store.fetch, limit)
            if fetched is not None:
                with fetched:
                    archive.unpack(fetched, self._items, self._limits)
                    self._saved_digest = _digest(fetched)
        except DamagedError as error:
            self._set_aside(error)

    def _set_aside(self, error: DamagedError) -> None:
        try:
            kept = f"renamed to {self._store.set_aside()} in HDFS"
        except FileNotFoundError:  # the default server's archive is left for that server to rename
            kept = "left in HDFS"
        self._log.warning(
            "The saved session was not restored, because %s. The archive was %s.", error, kept
        )

    def _save(self) -> None:
        statuses = archive.stat_files(self._items)
        if statuses == self._saved_statuses:
            return
        with tempfile.TemporaryFile() as file:
            left_out = archive.pack(self._items, self._limits, file)
            digest = _digest(file)
            if digest != self._saved_digest:
                file.seek(0)
                self._store.save(file)
        self._saved_statuses, self._saved_digest = statuses, digest
        if left_out and left_out != self._left_out:
            self._log.warning("These files of the session are not saved: %s.", ", ".join(left_out))
        self._left_out = left_out


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(1024 * 1024):
        digest.update(chunk)
    return digest.hexdigest()


def _jupyter_server_extension_points() -> list[dict[str, str | type[SessionState]]]:
    return [{"module": "hdfs_contents.session.app", "app": SessionState}]
