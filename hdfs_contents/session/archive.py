"""Packs a session's files into one archive, and unpacks them. Nothing here accesses HDFS.

- `session_items` lists everything that an archive may contain. Other members are not unpacked.
- Packing the same files twice gives the same bytes. A database is copied in the state of its last
  complete transaction, even while a kernel writes to it.
- A file that cannot be read for a temporary reason is an error; it is not left out.
- An archive is checked as a whole before any file is written. Unpacking never replaces a file, so
  it is safe at any time, and changes of the running session take precedence.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import shutil
import sqlite3
import stat
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

#: Lab has a file for each plugin with changed settings, and for each workspace.
MAX_FILES = 2000

#: What a file with a long name takes in a tar beyond its content, in bytes.
OVERHEAD = 4096

_CHUNK = 1024 * 1024

#: How long to wait for a kernel that has locked its database.
_BUSY_SECONDS = 5.0


class DamagedError(Exception):
    """An archive that cannot be unpacked. The text is a reason that can follow "because"."""


@dataclass(frozen=True)
class ArchiveLimits:
    """The sizes in bytes, before compression, of all files together and of each of them."""

    total: int
    file: int


@dataclass(frozen=True)
class SessionItem:
    """A file, an SQLite database, or all files below a directory, with its name in the archive."""

    name: str
    path: Path
    is_database: bool = False
    is_directory: bool = False


def session_items() -> tuple[SessionItem, ...]:
    """Return what is kept of a session, the most valuable first, with the paths that this process
    uses.

    Directories that LabApp's configuration sets instead are the administrator's to keep.
    """
    # The hub imports this module too, and may not have jupyter_core.
    from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir

    config, data = Path(jupyter_config_dir()), Path(jupyter_data_dir())
    ipython = Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython")
    settings = os.environ.get("JUPYTERLAB_SETTINGS_DIR") or config / "lab" / "user-settings"
    workspaces = os.environ.get("JUPYTERLAB_WORKSPACES_DIR") or config / "lab" / "workspaces"
    history = ipython / "profile_default" / "history.sqlite"
    return (
        SessionItem("lab/user-settings", Path(settings), is_directory=True),
        SessionItem("notebook_secret", data / "notebook_secret"),
        SessionItem("nbsignatures.db", data / "nbsignatures.db", is_database=True),
        SessionItem("lab/workspaces", Path(workspaces), is_directory=True),
        # Of jupyter-collaboration, whose open documents are known by these ids, and of
        # jupyter-scheduler.
        SessionItem("file_id_manager.db", data / "file_id_manager.db", is_database=True),
        SessionItem("scheduler.sqlite", data / "scheduler.sqlite", is_database=True),
        SessionItem("ipython/history.sqlite", history, is_database=True),
    )


# Packing


@dataclass(frozen=True)
class _File:
    name: str
    path: Path
    is_database: bool


def _files(items: Iterable[SessionItem]) -> Iterator[_File]:
    for item in items:
        if not item.is_directory:
            yield _File(item.name, item.path, item.is_database)
            continue
        for directory, subdirectories, names in os.walk(item.path, onerror=_refuse_unreadable):
            subdirectories.sort()
            for path in (Path(directory, name) for name in sorted(names)):
                relative = path.relative_to(item.path).as_posix()
                yield _File(f"{item.name}/{relative}", path, is_database=False)


#: The file does not exist, or this account may not read it. Other errors may be temporary, such as
#: too many open files.
_ABSENT = (FileNotFoundError, NotADirectoryError, PermissionError)


def _refuse_unreadable(error: OSError) -> None:
    if not isinstance(error, _ABSENT):
        raise error


def _stat_regular(path: Path) -> os.stat_result | None:
    """Return the status of a regular file; None for anything else, such as a link."""
    with suppress(*_ABSENT):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            return status
    return None


def stat_files(items: Iterable[SessionItem]) -> tuple[tuple[str, int, int], ...]:
    """Return path, time and size of each file, without reading any: a change of a file shows here.

    Raises OSError if a directory cannot be read for a temporary reason.
    """
    statuses = []
    for file in _files(items):
        paths = [file.path]
        if file.is_database:  # SQLite may write the latest transactions to a file beside it
            paths.append(file.path.with_name(f"{file.path.name}-wal"))
        for path in paths:
            status = _stat_regular(path)
            if status is not None:
                statuses.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(statuses)


def pack(items: Iterable[SessionItem], limits: ArchiveLimits, target: IO[bytes]) -> tuple[str, ...]:
    """Write the archive to `target`; return the files that were left out, each with the reason.

    Raises OSError if a file cannot be read for a temporary reason.
    """
    left_out = []
    remaining, count = limits.total, 0
    with (
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=target, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for file in _files(items):
            limit = min(limits.file, remaining) if count < MAX_FILES else -1
            try:
                content = _read(file, limit)
            except _ExcludedError as reason:
                left_out.append(f"{file.name} ({reason})")
                continue
            if content is not None:
                remaining, count = remaining - len(content), count + 1
                member = tarfile.TarInfo(file.name)
                member.size, member.mode = len(content), 0o600
                tar.addfile(member, io.BytesIO(content))
    return tuple(left_out)


class _ExcludedError(Exception):
    """The reason why a file is left out of the archive."""


def _read(file: _File, limit: int) -> bytes | None:
    """Return the content of a file, or None if it does not exist. Raises _ExcludedError if it has
    more than `limit` bytes or can never be read."""
    status = _stat_regular(file.path)
    if status is None:
        return None
    size = status.st_size
    if size <= limit:
        try:
            content = _read_database(file.path) if file.is_database else file.path.read_bytes()
        except FileNotFoundError:  # deleted since
            return None
        except sqlite3.OperationalError as error:  # temporary: a full disk, too many open files
            raise OSError(errno.EIO, f"{file.path.name} cannot be read now ({error})") from error
        except (PermissionError, sqlite3.Error) as error:
            raise _ExcludedError(str(error)) from error
        if len(content) <= limit:
            return content
        size = len(content)
    raise _ExcludedError(f"{size:,} bytes")


def _read_database(path: Path) -> bytes:
    """Return the database in the state of its last complete transaction."""
    deadline = time.monotonic() + _BUSY_SECONDS

    def stop_at_deadline(*_: int) -> None:
        if time.monotonic() > deadline:
            raise OSError(errno.EBUSY, f"{path.name} is in use")

    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory, "copy")
        with (
            closing(
                sqlite3.connect(f"file:{quote(str(path))}?mode=rw", _BUSY_SECONDS, uri=True)
            ) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            target.execute("PRAGMA synchronous = OFF")  # the copy is read once, right away
            source.backup(target, progress=stop_at_deadline)
        return copy.read_bytes()


# Unpacking


def unpack(source: IO[bytes], items: Sequence[SessionItem], limits: ArchiveLimits) -> int:
    """Write those files of an archive that do not exist; return their number.

    Raises DamagedError, before any file is written, if a member is not as `pack` writes it. Raises
    OSError if a file cannot be written.
    """
    with tempfile.TemporaryFile() as plain:
        _decompress(source, plain, limits.total + MAX_FILES * OVERHEAD)
        try:
            tar = tarfile.open(fileobj=plain, mode="r:")  # noqa: SIM115 (it holds nothing open)
            members = _checked_members(tar)
        except DamagedError:
            raise
        except Exception as error:  # tarfile raises many classes for a damaged archive
            raise DamagedError(f"it is not a tar archive ({error})") from error
        written = 0
        for name, member in members.items():
            path = _local_path(name, items)
            content = tar.extractfile(member)
            if path is not None and content is not None:
                written += _create_file(path, content)
        return written


def _decompress(source: IO[bytes], target: IO[bytes], limit: int) -> None:
    zipped = gzip.GzipFile(fileobj=source, mode="rb")
    try:
        while chunk := zipped.read(_CHUNK):
            target.write(chunk)
            if target.tell() > limit:
                raise DamagedError(f"it contains more than {limit:,} bytes")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedError(f"it is incomplete ({error})") from error
    target.seek(0)


def _checked_members(tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    """Return the members by name; raise DamagedError if one is not as `pack` writes it."""
    members: dict[str, tarfile.TarInfo] = {}
    for member in tar:
        name = member.name
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
            raise DamagedError(f"its member {name!r} is not a regular file")
        if "\0" in name or {"", ".", ".."} & set(name.split("/")):
            raise DamagedError(f"{name!r} in it is not a valid file name")
        if name in members or len(members) == MAX_FILES:
            raise DamagedError("it has too many files, or has a file twice")
        members[name] = member
    for name in members:
        if any(str(directory) in members for directory in Path(name).parents):
            raise DamagedError(f"{name!r} in it is below a file")
    return members


def _local_path(name: str, items: Iterable[SessionItem]) -> Path | None:
    """Return where to unpack a member; None if only another version of this package knows it."""
    for item in items:
        if item.is_directory and name.startswith(f"{item.name}/"):
            return item.path / name[len(item.name) + 1 :]
        if not item.is_directory and name == item.name:
            return item.path
    return None


def _create_file(path: Path, content: IO[bytes]) -> bool:
    """Create a file that only its owner may read; return False if it exists."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 (of a descriptor)
            shutil.copyfileobj(content, file)
    except OSError:
        path.unlink()
        raise
    return True
