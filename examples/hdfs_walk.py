"""Prints each file below a directory of HDFS with its size in bytes, and the total.

    python hdfs_walk.py /user/alice

Needs HADOOP_CONF_DIR, and the packages yarnhub and hdfs-native. No JVM.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from hadoop_client import FileStatus, FileSystem, open_filesystem


def main() -> int | str:
    """Return the exit code, or a message if HDFS fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", help="an absolute path, such as /user/alice")
    directory = parser.parse_args().directory
    count = total = 0
    try:
        for file in walk(open_filesystem(), directory):
            print(f"{file.size:>15,}  {file.path}")
            count += 1
            total += file.size
    except OSError as error:
        return f"{error.filename or directory}: {error.strerror}"
    print(f"{total:>15,}  in {count} files")
    return 0


def walk(fs: FileSystem, directory: str) -> Iterator[FileStatus]:
    """Yield the files of a directory tree."""
    for status in fs.list_dir(directory):
        if status.is_dir:
            yield from walk(fs, status.path)
        else:
            yield status


if __name__ == "__main__":
    sys.exit(main())
