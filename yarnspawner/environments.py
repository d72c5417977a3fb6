"""Which Python a server gets: an environment published in HDFS, or a path that every node has."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from env_packaging.errors import PackagingError, StorageError
from env_packaging.registry import PublishedEnvironment, resolve
from hdfs_contents.filesystem import open_filesystem
from yarnspawner.failures import ClusterUnavailable, OptionsRefused
from yarnspawner.hadoop.records import Url
from yarnspawner.launch import ENVIRONMENT_LINK, LocalizedFile, check_python


@dataclass(frozen=True)
class PythonEnvironment:
    """The interpreter's path, relative to the container where it comes with `archive`."""

    python: str
    archive: LocalizedFile | None


LOCALIZED = PythonEnvironment(f"{ENVIRONMENT_LINK}/bin/python", None)
"""What c.YarnSpawner.localize_files brings itself, as `environment`."""


async def find_environment(
    python_env: str, env_root: str, default_filesystem: str
) -> PythonEnvironment:
    """Find what `python_env` names; raises `SpawnFailure`. Reads HDFS, in a thread."""
    if not python_env:
        raise OptionsRefused(
            "JupyterHub is not told which Python environment servers run in: an administrator has "
            "to set c.YarnSpawner.python_env, and can publish one with yarnhub pack-env."
        )
    if python_env.startswith("/"):
        return PythonEnvironment(f"{check_python(python_env)}/bin/python", None)
    try:
        published = await asyncio.to_thread(
            lambda: resolve(open_filesystem(), env_root, python_env)
        )
    except StorageError as error:
        raise ClusterUnavailable(
            f"HDFS did not tell which Python environment the server gets. {error} Try again in a "
            "minute; if it stays so, tell an administrator."
        ) from error
    except PackagingError as error:
        raise OptionsRefused(str(error)) from error
    except (ImportError, OSError) as error:
        raise ClusterUnavailable(
            f"JupyterHub can't read HDFS: {error}. An administrator has to install yarnhub[hub], "
            "and to set HADOOP_CONF_DIR."
        ) from error
    archive = archive_of(published, default_filesystem)
    return PythonEnvironment(f"{ENVIRONMENT_LINK}/bin/python", archive)


def archive_of(published: PublishedEnvironment, default_filesystem: str) -> LocalizedFile:
    """Return the archive as YARN has to find it. A name service stands as a host without a port."""
    return LocalizedFile(
        link=ENVIRONMENT_LINK,
        url=Url.parse(default_filesystem.rstrip("/") + published.path),
        size_bytes=published.size_bytes,
        modification_time_ms=published.modification_time_ms,
        public=published.public,
    )
