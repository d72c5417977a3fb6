"""The server's delegation tokens: a file that is replaced before they expire.

- The server and its child processes find the file by HADOOP_TOKEN_FILE_LOCATION. It holds the
  user's tokens only, without our program and the application master's token.
- New tokens come from the hub, which gives them to this server only. A separate process fetches
  them, so that the application master stays small.
- The file is replaced with a rename, so that a reader finds either the old tokens or the new ones.
- While the hub does not answer, the old tokens stay, and the hub is asked again soon.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping

from hadoop_client.security.credentials import Credentials, CredentialsError
from yarnspawner.container.log import log
from yarnspawner.container.payload import TOKENS_FILE, Launch, retry_seconds

AMRM_TOKEN_KIND = "YARN_AM_RM_TOKEN"


def write_tokens(credentials: Credentials, target: str) -> None:
    """Replace the file `target` with the user's tokens of `credentials`."""
    tokens = {
        alias: token for alias, token in credentials.tokens.items() if token.kind != AMRM_TOKEN_KIND
    }
    temporary = f"{target}.new"
    if os.path.lexists(temporary):
        os.unlink(temporary)  # noqa: PTH108
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(temporary, flags, 0o600), "wb") as file:  # noqa: PTH123
        file.write(Credentials(tokens).to_bytes())
    os.replace(temporary, target)  # noqa: PTH105


def place_tokens() -> None:
    """Copy the user's tokens from the container's credentials to `TOKENS_FILE`."""
    with open(os.environ["HADOOP_TOKEN_FILE_LOCATION"], "rb") as file:  # noqa: PTH123
        write_tokens(Credentials.from_bytes(file.read()), TOKENS_FILE)


class TokenRefresh:
    """The schedule of new tokens, and the process that fetches them."""

    def __init__(self, launch: Launch, program: str, environment: Mapping[str, str]) -> None:
        self._seconds = launch.token_refresh_seconds
        self._retry = retry_seconds(self._seconds)
        self._command = [sys.executable, "-E", "-S", program, "tokens"]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.due = time.monotonic() + self._seconds

    def tick(self) -> None:
        """Start a fetch that is due, or plan the next one after a fetch has ended."""
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
        except OSError as error:  # such as a limit of processes; the server continues
            log(f"fetching new tokens failed, trying again: {error}")
            self.due = now + self._retry
        else:
            self.due = float("inf")


def main(program: str) -> int:
    """Fetch new tokens from the hub for the launch in `program`; returns our exit code."""
    from yarnspawner.container.hub import HubApi  # HTTP and TLS would cost the master 6 MB

    try:
        launch = Launch.read(program)
        body = HubApi(os.environ, launch.key).get(launch.token_path)
        write_tokens(Credentials.from_bytes(body), os.environ["HADOOP_TOKEN_FILE_LOCATION"])
    except (OSError, CredentialsError) as error:
        log(f"fetching new tokens failed, trying again: {error}")
        return 1
    log("the server has new tokens")
    return 0
