"""The packages of a server in its container, and their archive in HDFS."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Sequence, Set
from contextlib import suppress
from pathlib import Path

from hadoop_client.hdfs.filesystem import open_filesystem
from hadoop_client.printable import printable
from hdfs_contents import root
from hdfs_contents.packages.archive import (
    DIRECTORY,
    Changes,
    TooLargeError,
    changes,
    pack,
    python_tag,
    site_packages,
    unpack,
)
from hdfs_contents.session.archive import DamagedError
from hdfs_contents.session.attempts import Attempts, KeptFiles
from hdfs_contents.session.store import SessionStore


def open_packages(base: Path, limit: int, log: logging.Logger) -> Packages | None:
    """Return the packages of this server, which are in `base`. Return None, and log why, if HDFS is
    not configured or `base` cannot be created."""
    try:
        directory = root.directory_from_template(DIRECTORY, root.set_hadoop_user())
        server = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
        store = SessionStore(f"{directory}/{python_tag()}", server, open_filesystem)
        return Packages(base, store, limit, log)
    except (root.StartupError, OSError) as error:
        log.error("Packages are not kept: %s", error)  # noqa: TRY400 (no traceback)
        return None


class Packages(KeptFiles):
    """The packages in a directory, and their archive in HDFS. Its methods raise nothing.
    Making one raises OSError if the directory cannot be created."""

    def __init__(self, base: Path, store: SessionStore, limit: int, log: logging.Logger) -> None:
        super().__init__("archive of your packages", log)
        # Python adds it to its path at its start only, and only if it exists.
        site_packages(base).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._base = base
        self._store = store
        self._limit = limit
        self._log = log
        self._saved = self._seen = changes(base)
        self._settled = False
        self._examinations = Attempts("directory of your packages", log)

    @property
    def failing(self) -> bool:
        """Whether the last restore or save failed."""
        return self._attempts.failing

    def save_when_settled(self) -> None:
        """Save changed packages, unless they changed since the last call: pip may be at work.

        If they could not be restored, retry only that.
        """
        if not self._restored:
            self.restore()
            return
        self._examinations.run("examined", self._examine)
        if self._settled:
            self.save()

    def _examine(self) -> None:
        self._settled = False
        now = changes(self._base)
        self._settled, self._seen = now == self._seen, now

    def _restore(self) -> None:
        before = changes(self._base)
        directories: frozenset[str] = frozenset()
        try:
            fetched = self._store.fetch(self._limit)
            if fetched is not None:
                with fetched:
                    directories, skipped = unpack(fetched, self._base, self._limit)
                self._warn_of_links("of your packages were not restored", skipped)
        except DamagedError as error:
            self._log.warning("Your packages were not restored, because %s.", error)
            with suppress(FileNotFoundError):  # the default server's is left for that server
                self._store.set_aside()
        now = changes(self._base)
        # Else there is more to save than what was restored, such as what a terminal installed in
        # the meantime.
        if before == self._saved and _is_restored(before, now, directories):
            self._saved = now

    def _save(self) -> None:
        now = changes(self._base)
        if now == self._saved:
            return
        with tempfile.TemporaryFile() as file:
            try:
                left_out = pack(self._base, self._limit, file)
            except TooLargeError as error:
                self._log.warning("%s", error)
            else:
                file.seek(0)
                self._store.save(file)
                self._warn_of_links("are not kept with your packages", left_out)
        self._saved = now

    def _warn_of_links(self, what: str, links: Sequence[str]) -> None:
        if links:
            self._log.warning(
                "These links %s, because they are absolute or lead to another directory: %s",
                what,
                printable(", ".join(links)),
            )


def _is_restored(before: Changes, now: Changes, restored: Set[str]) -> bool:
    """Return whether the restored directories are all that changed."""
    old, new = ({path for path, _ in times} for times in (before, now))
    return new <= old | restored and all(map(os.path.isdir, restored))
