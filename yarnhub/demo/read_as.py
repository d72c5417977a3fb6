"""Reads a file of HDFS in a separate process, as another HDFS user.

    HADOOP_USER_NAME=alice python -m yarnhub.demo.read_as PATH

Its owner and then its text are on standard output. The exit code is NOT_ALLOWED if the user may not
read it.
"""

from __future__ import annotations

import sys

from hadoop_client.hdfs.filesystem import open_filesystem

NOT_ALLOWED = 13


def main(path: str) -> None:
    """Print the owner and the text of a file."""
    try:
        filesystem = open_filesystem()
        with filesystem.open_read(path) as file:
            content = file.read()
        sys.stdout.write(f"{filesystem.stat(path).owner}\n{content.decode()}\n")
    except PermissionError:
        sys.exit(NOT_ALLOWED)


if __name__ == "__main__":
    main(*sys.argv[1:])
