"""What an administrator does to a cluster that runs: change its files, and have them read again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from xml.sax.saxutils import escape

from yarnhub.minihadoop import MiniHadoop


def rmadmin(hadoop: MiniHadoop, *arguments: str) -> None:
    """Run `yarn rmadmin` as the superuser."""
    done = subprocess.run(
        ["yarn", "rmadmin", *arguments],
        env={**os.environ, **hadoop.env()},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def reconfigure(hadoop: MiniHadoop, file: str, properties: Mapping[str, str], refresh: str) -> None:
    """Let the ResourceManager have more `properties` in `file`, where the last one of a name holds,
    and read it anew by the command `refresh` of rmadmin."""
    path = hadoop.conf_dir / "resourcemanager" / file
    added = "".join(
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>\n"
        for name, value in properties.items()
    )
    path.write_text(path.read_text().replace("</configuration>", f"{added}</configuration>"))
    rmadmin(hadoop, refresh)


@contextmanager
def reconfigured(
    hadoop: MiniHadoop, file: str, properties: Mapping[str, str], refresh: str
) -> Iterator[None]:
    """`reconfigure`, and afterwards have it as it was."""
    path = hadoop.conf_dir / "resourcemanager" / file
    before = path.read_text()
    try:
        reconfigure(hadoop, file, properties, refresh)
        yield
    finally:
        path.write_text(before)
        rmadmin(hadoop, refresh)
