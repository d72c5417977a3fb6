"""Why the server ended, in the words that its user will read: its last lines, free of secrets."""

from __future__ import annotations

import os
import signal

OUTPUT_TAIL_BYTES = 4096
SECRET_WORDS = ("TOKEN", "SECRET", "PASSW", "KEY", "CREDENTIAL")


def secrets_of(environment: dict[str, str]) -> dict[str, str]:
    """Return the variables that are named like secrets, the longest first."""
    found = {
        name: value
        for name, value in environment.items()
        if len(value) >= 8 and any(word in name.upper() for word in SECRET_WORDS)
    }
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def output_tail(path: str, environment: dict[str, str]) -> str:
    """Return the last lines of the server's output, without the secrets of `environment`."""
    secrets = secrets_of(environment)
    margin = max(map(len, secrets.values()), default=0)
    with open(path, "rb") as file:  # noqa: PTH123
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - 2 * OUTPUT_TAIL_BYTES - margin)
        file.seek(start)
        text = file.read().decode("utf-8", "replace")
    for name, value in secrets.items():
        text = text.replace(value, f"[{name}]")
    # What was read may begin within a secret: as much as one can hold is left out.
    return text[margin if start else 0 :][-OUTPUT_TAIL_BYTES:].strip()


def diagnose(code: int, environment: dict[str, str]) -> str:
    """Say why the server ended, in the words that the user will see."""
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    # What the container's launch script names as our own standard error.
    tail = output_tail("/proc/self/fd/2", environment)
    return f"The notebook server ended with {how}.\n{tail}" if code else ""
