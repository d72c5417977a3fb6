"""Home directories in HDFS."""

from __future__ import annotations

import shlex


def make_home_command(user: str, path: str, mode: int) -> str:
    """Return the shell command that creates `path` as the home of `user`, with names quoted."""
    owner, home = shlex.quote(user), shlex.quote(path)
    return (
        f"hdfs dfs -mkdir -p {home} && hdfs dfs -chown {owner} {home} && "
        f"hdfs dfs -chmod {mode:o} {home}"
    )
