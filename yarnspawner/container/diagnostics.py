"""The end of the server as its user reads it: the cause and the last lines, without secrets."""

from __future__ import annotations

import os
import signal

from yarnspawner.container.payload import Launch

OUTPUT_TAIL_BYTES = 4096
SECRET_WORDS = ("TOKEN", "SECRET", "PASSW", "KEY", "CREDENTIAL")
KEY_LINE_LENGTH = 16
#: Exit codes of a server that was killed: of our child itself, and of a shell that ran it.
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


def secrets_of(environment: dict[str, str], files: dict[str, bytes]) -> dict[str, str]:
    """Return the strings that no output may show, each with its name; the longest come first.

    They are the values of variables named like secrets, plain and quoted for URLs, and the lines of
    private keys.
    """
    from urllib.parse import quote  # imported here because most servers end without it

    secrets: dict[str, str] = {}
    for name, value in environment.items():
        if len(value) >= 8 and any(word in name.upper() for word in SECRET_WORDS):
            secrets.setdefault(value, name)
            secrets.setdefault(quote(value, safe=""), name)
    for path, content in files.items():
        if b"PRIVATE KEY-----" in content:
            for line in content.decode("latin-1").split():
                if len(line) >= KEY_LINE_LENGTH:
                    secrets.setdefault(line, path)
    return dict(sorted(secrets.items(), key=lambda item: -len(item[0])))


def output_tail(path: str, secrets: dict[str, str]) -> str:
    """Return the last lines of the file at `path` without `secrets`; empty if it is not a file."""
    if not os.path.isfile(path):  # noqa: PTH113
        return ""
    margin = max(map(len, secrets), default=0)
    with open(path, "rb") as file:  # noqa: PTH123
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - 2 * OUTPUT_TAIL_BYTES - margin)
        file.seek(start)
        text = file.read().decode("utf-8", "replace")
    for value, name in secrets.items():
        text = text.replace(value, f"[{name}]")
    # The text may begin within a secret: the length of the longest one is left out.
    return text[margin if start else 0 :][-OUTPUT_TAIL_BYTES:].strip()


def diagnose(code: int, launch: Launch, environment: dict[str, str]) -> str:
    """Return why the server ended, as its user reads it; empty for exit code 0."""
    if not code:
        return ""
    how = f"signal {signal_name(-code)}" if code < 0 else f"exit code {code}"
    if code in KILLED:
        how += " (usually out of memory)"
    # The container's launch script has redirected our standard error to the log file.
    tail = output_tail("/proc/self/fd/2", secrets_of(environment, launch.files))
    return f"The notebook server ended with {how}.\n{tail}"


def signal_name(number: int) -> str:
    """Return a signal's name, or its number if it has none, as real-time signals."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
