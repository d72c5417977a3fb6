"""The server's delegation tokens: a file that is replaced before what is in it ends.

- The server and all that it starts find the file by HADOOP_TOKEN_FILE_LOCATION. It has the user's
  tokens and nothing else: our program and the application master's token stay out of it.
- New ones come from the hub, which gives them to this very server only. A process of their own
  fetches them, so that the application master stays small.
- The file is replaced by a rename: who reads it finds the old tokens or the new ones.
- Where the hub is away the old ones stay, and it is asked again soon.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping

from hadoop_client.security.credentials import Credentials, CredentialsError
from yarnspawner.container.log import log
from yarnspawner.container.payload import TOKENS_FILE, Launch

AMRM_TOKEN_KIND = "YARN_AM_RM_TOKEN"
LONGEST_RETRY_SECONDS = 60.0
OK = 200


def write_tokens(credentials: Credentials, target: str) -> None:
    """Put the user's tokens into the place of what is there."""
    tokens = {
        alias: token for alias, token in credentials.tokens.items() if token.kind != AMRM_TOKEN_KIND
    }
    beside = f"{target}.new"
    if os.path.lexists(beside):
        os.unlink(beside)  # noqa: PTH108
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(beside, flags, 0o600), "wb") as file:  # noqa: PTH123
        file.write(Credentials(tokens).to_bytes())
    os.replace(beside, target)  # noqa: PTH105


def place_tokens() -> None:
    """Write the tokens that YARN gave the container into the file of their own."""
    with open(os.environ["HADOOP_TOKEN_FILE_LOCATION"], "rb") as file:  # noqa: PTH123
        write_tokens(Credentials.from_bytes(file.read()), TOKENS_FILE)


class TokenRefresh:
    """When new tokens are due, and the process that fetches them."""

    def __init__(self, launch: Launch, program: str, environment: Mapping[str, str]) -> None:
        self._seconds = launch.token_refresh_seconds
        self._retry = min(LONGEST_RETRY_SECONDS, self._seconds / 10)
        self._command = [sys.executable, "-E", "-S", program, "tokens", launch.token_path]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.due = time.monotonic() + self._seconds

    def tick(self) -> None:
        """Start what is due, and take note of what has ended: its signal woke us."""
        now = time.monotonic()
        if self._process is None:
            if now >= self.due:
                self._start(now)
        elif self._process.poll() is not None:
            failed = self._process.returncode != 0
            self.due = now + (self._retry if failed else self._seconds)
            self._process = None

    def _start(self, now: float) -> None:
        try:
            self._process = subprocess.Popen(self._command, env=dict(self._environment))
        except OSError as error:  # the user has no process left, say: the server works on
            log(f"no new tokens yet: {error}")
            self.due = now + self._retry
        else:
            self.due = float("inf")


def main(path: str) -> int:
    """Fetch new tokens from the hub; returns our exit code."""
    from yarnspawner.container.hub import HubApi  # HTTP and TLS would cost the master 6 MB

    try:
        status, body = HubApi(os.environ).call("GET", path)
        if status != OK:
            raise OSError(f"the hub gave none (status {status})")  # noqa: TRY301
        write_tokens(Credentials.from_bytes(body), os.environ["HADOOP_TOKEN_FILE_LOCATION"])
    except (OSError, CredentialsError) as error:
        log(f"no new tokens yet: {error}")
        return 1
    log("the server has new tokens")
    return 0
