"""Restores and saves what may fail, and logs each new failure once."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable


class Attempts:
    """The attempts to save or restore something, `what` in the log."""

    def __init__(self, what: str, log: logging.Logger) -> None:
        self._what = what
        self._log = log
        self._last_failure = ""

    @property
    def failing(self) -> bool:
        """Whether the last call failed."""
        return bool(self._last_failure)

    def run(self, action: str, function: Callable[[], None]) -> None:
        """Call a function; raises nothing. `action` is a participle, such as "saved"."""
        try:
            function()
        except Exception as error:  # noqa: BLE001 (no failure here may end the server)
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            failure = f"The {self._what} could not be {action}: {reason}. It will be retried."
            if failure != self._last_failure:
                self._log.warning("%s", failure)
                self._log.debug("The error was:", exc_info=True)
            self._last_failure = failure
        else:
            if self._last_failure:
                self._log.info("The %s was %s.", self._what, action)
            self._last_failure = ""


class KeptFiles(ABC):
    """Local files and their archive in HDFS, `what` in the log. Its methods raise nothing.

    An archive that could not be read is not overwritten.
    """

    def __init__(self, what: str, log: logging.Logger) -> None:
        self._attempts = Attempts(what, log)
        self._restored = False

    def restore(self) -> None:
        """Write the archive's files that do not exist here."""
        self._attempts.run("restored", self._restore_once)

    def save(self) -> None:
        """Save changed files. If they could not be restored, retry that first."""
        if not self._restored:
            self.restore()
        if self._restored:
            self._attempts.run("saved", self._save)

    def _restore_once(self) -> None:
        self._restore()
        self._restored = True

    @abstractmethod
    def _restore(self) -> None:
        """Restore the files; may raise."""

    @abstractmethod
    def _save(self) -> None:
        """Save the files if they changed; may raise."""
