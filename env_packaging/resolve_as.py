"""Finds a published environment in a separate process, as another HDFS user.

    HADOOP_USER_NAME=alice python -m env_packaging.resolve_as ENV_ROOT REFERENCE

An HDFS client keeps the user that it was created with, and only the user can read their home
directory. The environment is JSON on standard output; an error's message is on standard error, and
the exit code is the error's.
"""

from __future__ import annotations

import json
import sys

from env_packaging.errors import PackagingError
from env_packaging.registry import resolve, storage_errors
from hadoop_client.hdfs.filesystem import open_filesystem


def main() -> None:
    """Look up the environment that the arguments name."""
    env_root, reference = sys.argv[1:]
    try:
        with storage_errors("open HDFS"):
            filesystem = open_filesystem()
        environment = resolve(filesystem, env_root, reference)
    except PackagingError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    json.dump({**vars(environment), "manifest": environment.manifest.to_json()}, sys.stdout)


if __name__ == "__main__":
    main()
