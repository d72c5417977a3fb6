"""Which Python a server gets: an environment published in HDFS, or a path that every node has."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass

from env_packaging.errors import PackagingError, StorageError
from env_packaging.manifest import Manifest
from env_packaging.registry import PublishedEnvironment, resolve
from hadoop_client.hdfs.filesystem import open_filesystem
from hadoop_client.yarn.records import Url
from yarnspawner.failures import ClusterUnavailableError, OptionsError
from yarnspawner.launch.program import PACKED_SUFFIX
from yarnspawner.launch.spec import ENVIRONMENT_LINK, LocalizedFile, check_python

LOOK_UP_SECONDS = 60.0

#: Begins the tag by which an application says the key of the environment that it uses.
KEY_TAG = "yarnhub-env-"


@dataclass(frozen=True)
class PythonEnvironment:
    """The interpreter's path, relative to the container where it comes with `archive`. `tags` keep
    what is published from being removed as long as the application needs it."""

    python: str
    archive: LocalizedFile | None
    tags: tuple[str, ...] = ()


#: What c.YarnSpawner.localize_files brings itself, as `environment`.
LOCALIZED = PythonEnvironment(f"{ENVIRONMENT_LINK}/bin/python", None)


async def find_environment(
    python_env: str,
    env_root: str,
    default_filesystem: str,
    *,
    as_file: bool = False,
    link: str = ENVIRONMENT_LINK,
    owner: str = "",
) -> PythonEnvironment:
    """Find what `python_env` names; raises `SpawnError`. Reads HDFS, in a thread; or in a process
    that is `owner` to HDFS, where the registry is that person's own.

    The archive comes as the folder `link` of the container, or as a plain file, for the container
    to unpack, where `as_file` says so.
    """
    if not python_env:
        raise OptionsError(
            "JupyterHub is not told which Python environment servers run in: an administrator has "
            "to set c.YarnSpawner.python_env, and can publish one with yarnhub pack-env."
        )
    if python_env.startswith("/"):
        return PythonEnvironment(f"{check_python(python_env)}/bin/python", None)
    try:
        if owner:
            published = await _look_up_as(owner, env_root, python_env)
        else:
            published = await asyncio.to_thread(
                lambda: resolve(open_filesystem(), env_root, python_env)
            )
    except StorageError as error:
        raise ClusterUnavailableError.for_now(
            f"HDFS did not tell which Python environment the server gets. {error}"
        ) from error
    except PackagingError as error:
        raise OptionsError(str(error)) from error
    except (ImportError, OSError) as error:
        raise ClusterUnavailableError(
            f"JupyterHub can't read HDFS: {error}. An administrator has to install yarnhub[hub], "
            "and to set HADOOP_CONF_DIR."
        ) from error
    archive = archive_of(published, default_filesystem, as_file=as_file, link=link)
    return PythonEnvironment(f"{link}/bin/python", archive, (KEY_TAG + published.key,))


async def _look_up_as(user: str, env_root: str, reference: str) -> PublishedEnvironment:
    """Find an environment as somebody else; raises PackagingError."""
    # Without Kerberos who one is is the first that counts, with it the second.
    identity = {"HADOOP_USER_NAME": user, "HADOOP_PROXY_USER": user}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "env_packaging.resolve_as", env_root, reference),
        env={**os.environ, **identity},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        told, complaint = await asyncio.wait_for(process.communicate(), LOOK_UP_SECONDS)
    except asyncio.TimeoutError as error:
        raise StorageError(f"HDFS did not answer within {LOOK_UP_SECONDS:.0f} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode == 0:
        values = json.loads(told)
        return PublishedEnvironment(
            **{**values, "manifest": Manifest.from_json(values["manifest"])}
        )
    said = complaint.decode(errors="replace").strip()
    if process.returncode == StorageError.exit_code:
        raise StorageError(said)
    raise PackagingError(said.splitlines()[-1] if said else f"{reference} can't be looked up.")


def archive_of(
    published: PublishedEnvironment, default_filesystem: str, *, as_file: bool, link: str
) -> LocalizedFile:
    """Return the archive as YARN has to find it. A name service stands as a host without a port."""
    return LocalizedFile(
        link=link + PACKED_SUFFIX if as_file else link,
        url=Url.parse(default_filesystem.rstrip("/") + published.path),
        size_bytes=published.size_bytes,
        modification_time_ms=published.modification_time_ms,
        public=published.public,
        archive=not as_file,
        packed=as_file,
    )
