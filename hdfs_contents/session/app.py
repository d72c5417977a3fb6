"""A person's session, kept in HDFS between two servers: Lab's settings and workspaces, which
notebooks are trusted, and IPython's history.

`--SessionState.enabled=True` turns on this extension of jupyter_server. What it promises:

- What was kept is there before the server reads any of it. A start never fails over it, and waits
  no more than some seconds for HDFS.
- What has changed is saved within seconds, and once more at the server's end, in a thread. A save
  that fails or is cut off leaves the last good copy as it was.
- A copy that could not be read, as HDFS was away, is not overwritten: it is tried again until it
  has been read. One that is damaged is set aside under another name.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Float, Integer, Unicode

from hadoop_client.hdfs.deadline import Deadline
from hadoop_client.hdfs.filesystem import open_filesystem
from hdfs_contents import root
from hdfs_contents.session import archive
from hdfs_contents.session.archive import DamagedError, Limits, Place
from hdfs_contents.session.store import DIRECTORY, SessionStore

#: What a start waits for HDFS at most.
_START_SECONDS = 5.0

#: What the server's end waits for the last save. YARN ends it sooner, most of the time.
_STOP_SECONDS = 5.0

#: Saving takes at most a twentieth of a core, however large the history is.
_PAUSE_PER_SAVE = 20


class SessionState(ExtensionApp):
    """Keeps Lab settings, workspaces, notebook signatures and IPython history in HDFS."""

    name = "session_state"

    enabled = Bool(
        False,
        config=True,
        help="""
        Bring Lab settings, workspaces, notebook signatures and IPython history back when a server
        starts, and keep them in HDFS while it runs.
        """,
    )

    directory_template = Unicode(
        DIRECTORY,
        config=True,
        help="""
        The directory in HDFS with a file for each named server: {home} and {username} are as in
        c.HDFSContentsManager.root_dir_template. It should be open to its owner only, as the
        secret that signs notebooks is in there.
        """,
    )

    save_interval = Float(
        10.0, min=0.1, config=True, help="How many seconds apart to look for what has changed."
    )

    max_bytes = Integer(
        50_000_000,
        config=True,
        help="""
        How many bytes to keep, before compression. What goes beyond is left out, IPython's history
        first; a copy that is larger is set aside.
        """,
    )

    max_file_bytes = Integer(
        20_000_000, config=True, help="How many bytes a file may have that is kept."
    )

    _thread: threading.Thread | None = None

    def _link_jupyter_server_extension(self, serverapp: Any) -> None:
        """Bring everything back; the server has opened none of it yet."""
        super()._link_jupyter_server_extension(serverapp)
        if not self.enabled:
            return
        try:
            directory = root.root_from(
                self.directory_template, root.identify(), "SessionState.directory_template"
            )
        except root.StartupError as error:
            self.log.error("The session's state is not kept: %s", error)  # noqa: TRY400 (says it all)
            return
        store = SessionStore(
            directory, os.environ.get("JUPYTERHUB_SERVER_NAME", ""), open_filesystem
        )
        self._session = Session(
            store,
            archive.places(),
            Limits(self.max_bytes, self.max_file_bytes),
            self.log,
        )
        self._session.restore()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="session-state", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        pause = self.save_interval
        while not self._ending.wait(pause):
            began = time.thread_time()
            self._session.save()
            pause = max(self.save_interval, _PAUSE_PER_SAVE * (time.thread_time() - began))
        self._session.save()

    async def stop_extension(self) -> None:
        """Save what has changed since the last look, before kernels are waited for."""
        if self._thread is not None:
            self._ending.set()
            await asyncio.to_thread(self._thread.join, _STOP_SECONDS)


class Session:
    """What is on the local disk, and its copy in HDFS. Nothing that is called here raises."""

    def __init__(
        self, store: SessionStore, places: tuple[Place, ...], limits: Limits, log: Any
    ) -> None:
        self._store = store
        self._places = places
        self._limits = limits
        self._log = log
        self._deadline = Deadline(_START_SECONDS)
        self._restored = False
        self._seen: Any = ()
        self._kept = ""
        self._left_out: tuple[str, ...] = ()
        self._trouble = ""

    def restore(self) -> None:
        """Bring back what was kept, as far as it isn't there."""
        self._attempt("brought back", self._restore)

    def save(self) -> None:
        """Keep what has changed; or go on trying to bring back what could not be brought back."""
        if not self._restored:
            self.restore()
        if self._restored:
            self._attempt("saved", self._save)

    def _attempt(self, done: str, function: Callable[[], None]) -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001 (the server is worth more than any of this)
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            sentence = f"The session's state could not be {done}: {reason}. It is tried again."
            if sentence != self._trouble:
                self._log.warning("%s", sentence)
                self._log.debug("As it happened:", exc_info=True)
            self._trouble = sentence
        else:
            if self._trouble:
                self._log.info("The session's state was %s.", done)
            self._trouble = ""

    def _restore(self) -> None:
        largest = self._limits.total + archive.MAX_FILES * archive.OVERHEAD
        try:
            fetched = self._deadline.run(self._store.fetch, largest)
            if fetched is not None:
                with fetched:
                    archive.unpack(fetched, self._places, self._limits)
                    self._kept = _digest(fetched)
        except DamagedError as error:
            self._set_aside(error)
        self._restored = True

    def _set_aside(self, error: DamagedError) -> None:
        try:
            where = f"{self._store.set_aside()} in HDFS"
        except FileNotFoundError:  # the default server's, and for that one to set aside
            where = "where it is"
        self._log.warning(
            "The kept state of the session is left %s, and this server starts without, because %s.",
            where,
            error,
        )

    def _save(self) -> None:
        seen = archive.look(self._places)
        if seen == self._seen:
            return
        with tempfile.TemporaryFile() as file:
            left_out = archive.pack(self._places, self._limits, file)
            digest = _digest(file)
            if digest != self._kept:
                file.seek(0)
                self._store.save(file)
        self._seen, self._kept = seen, digest
        if left_out and left_out != self._left_out:
            self._log.warning("Not kept of the session's state: %s.", ", ".join(left_out))
        self._left_out = left_out


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(1024 * 1024):
        digest.update(piece)
    return digest.hexdigest()


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "hdfs_contents.session.app", "app": SessionState}]
