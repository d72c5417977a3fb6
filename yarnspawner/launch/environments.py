"""The Python of a server: an environment published in HDFS, or a path that every node has."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from env_packaging.errors import EnvironmentNotFoundError, PackagingError, StorageError
from env_packaging.manifest import Manifest
from env_packaging.registry import PublishedEnvironment, parse_reference, resolve
from hadoop_client.hdfs.filesystem import open_filesystem
from hadoop_client.python_module import module_command
from hadoop_client.yarn.records import Url
from yarnspawner.failures import ClusterUnavailableError, OptionsError
from yarnspawner.launch.program import PACKED_SUFFIX
from yarnspawner.launch.spec import ENVIRONMENT_LINK, LocalizedFile, check_python
from yarnspawner.tags import KEY_TAG

LOOK_UP_SECONDS = 60.0


@dataclass(frozen=True)
class PythonEnvironment:
    """An interpreter's path; relative to the container's directory if it comes with `archive`.

    `tags` keep `yarnhub envs gc` from deleting the environment while the application runs.
    """

    python: str
    archive: LocalizedFile | None
    tags: tuple[str, ...] = ()


#: The environment that c.YarnSpawner.localize_files brings as `environment`.
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
    """Find the environment that `python_env` names; raises `SpawnError`.

    HDFS is read in a thread or, in a registry of a user's own, in a process that acts as `owner`.
    YARN unpacks the archive into the container's directory `link`; with `as_file` the container
    unpacks it itself.
    """
    if not python_env:
        raise OptionsError(
            "No Python environment is set for servers. Ask an administrator to publish one with "
            "yarnhub pack-env and to set c.YarnSpawner.python_env."
        )
    if python_env.startswith("/"):
        return PythonEnvironment(f"{check_python(python_env)}/bin/python", None)
    with _spawn_errors(python_env, owner):
        if owner:
            parse_reference(python_env)  # It becomes an argument of a process.
            published = await _look_up_as(owner, env_root, python_env)
        else:
            published = await asyncio.to_thread(
                lambda: resolve(open_filesystem(), env_root, python_env)
            )
    archive = archive_of(published, default_filesystem, as_file=as_file, link=link)
    return PythonEnvironment(f"{link}/bin/python", archive, (KEY_TAG + published.key,))


@contextmanager
def _spawn_errors(python_env: str, owner: str) -> Iterator[None]:
    """Turn the errors of a look-up into `SpawnError`s."""
    try:
        yield
    except StorageError as error:
        raise ClusterUnavailableError.for_now(
            f"JupyterHub could not look up the Python environment in HDFS. {error}"
        ) from error
    except EnvironmentNotFoundError as error:
        if owner:
            raise OptionsError(str(error)) from error
        raise OptionsError(
            f"The Python environment {python_env} is not published. Ask an administrator to "
            f"publish it with yarnhub pack-env, or to offer another one. {error}"
        ) from error
    except PackagingError as error:
        raise OptionsError(str(error)) from error
    except OSError as error:
        raise ClusterUnavailableError(
            f"JupyterHub cannot read HDFS: {error.strerror or error}. Ask an administrator to "
            "correct its Hadoop configuration."
        ) from error
    except ImportError as error:
        raise ClusterUnavailableError(
            f"JupyterHub cannot read HDFS: {error}. Ask an administrator to install yarnhub[hub]."
        ) from error


async def is_published(env_root: str, python_env: str) -> bool:
    """Return False if the site's registry does not have an environment that a profile names.

    Paths of nodes and users' own environments are not looked up. An environment that cannot be
    looked up counts as published: its start says what is wrong.
    """
    if python_env.startswith(("/", "~")):
        return True
    try:
        await asyncio.to_thread(lambda: resolve(open_filesystem(), env_root, python_env))
    except EnvironmentNotFoundError:
        return False
    except (PackagingError, OSError, ImportError):
        return True
    return True


async def _look_up_as(user: str, env_root: str, reference: str) -> PublishedEnvironment:
    """Find an environment, acting as `user` in HDFS; raises `PackagingError`."""
    # Hadoop reads the first variable without Kerberos, and the second with it.
    identity = {"HADOOP_USER_NAME": user, "HADOOP_PROXY_USER": user}
    process = await asyncio.create_subprocess_exec(
        *module_command(sys.executable, "env_packaging.resolve_as", env_root, reference),
        env={**os.environ, **identity},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), LOOK_UP_SECONDS)
    except asyncio.TimeoutError as error:
        raise StorageError(f"HDFS did not answer within {LOOK_UP_SECONDS:.0f} s.") from error
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode == 0:
        values = json.loads(output)
        return PublishedEnvironment(
            **{**values, "manifest": Manifest.from_json(values["manifest"])}
        )
    message = errors.decode(errors="replace").strip()
    if process.returncode == StorageError.exit_code:
        raise StorageError(message)
    last_line = message.splitlines()[-1] if message else f"{reference} could not be looked up."
    raise PackagingError(last_line)


def archive_of(
    published: PublishedEnvironment, default_filesystem: str, *, as_file: bool, link: str
) -> LocalizedFile:
    """Return the archive as a file to localize; its URL has a name service as a host, no port."""
    return LocalizedFile(
        link=link + PACKED_SUFFIX if as_file else link,
        url=Url.parse(default_filesystem.rstrip("/") + published.path),
        size_bytes=published.size_bytes,
        modification_time_ms=published.modification_time_ms,
        public=published.public,
        archive=not as_file,
        packed=as_file,
    )
