"""Finds a published environment in a process of its own, which is somebody else to HDFS.

    HADOOP_USER_NAME=alice python -m env_packaging.resolve_as ENV_ROOT REFERENCE

An HDFS client stays who it was when it was made, and what is in a person's home only that person
may read. What was found is JSON on standard output; else a sentence is on standard error, and the
exit code is the error's.
"""

from __future__ import annotations

import json
import sys

from env_packaging.errors import PackagingError
from env_packaging.registry import resolve, storage_errors
from hadoop_client.hdfs.filesystem import open_filesystem


def main() -> None:
    """Look up what the arguments name."""
    env_root, reference = sys.argv[1:]
    try:
        with storage_errors("open HDFS"):
            filesystem = open_filesystem()
        found = resolve(filesystem, env_root, reference)
    except PackagingError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    json.dump({**vars(found), "manifest": found.manifest.to_json()}, sys.stdout)


if __name__ == "__main__":
    main()
