"""What of a person's session is kept between two servers, as one archive. No HDFS in here.

- `PLACES` names all there is in an archive; whatever else has a name in one is not unpacked.
- Packing the same files twice gives the same bytes. A database is copied as one transaction left
  it, also while a kernel writes to it.
- What can't be read now, but perhaps a little later, is an error, and not left out.
- An archive is checked as a whole before anything of it is written. Unpacking never replaces a
  file, so it is safe at any time, and what this session has changed wins over what it brings.
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

#: Lab has a file for each plugin that somebody configured and for each workspace.
MAX_FILES = 2000

#: What a file costs in a tar beyond its own bytes, with a long name.
OVERHEAD = 4096

_CHUNK = 1024 * 1024

#: How long a kernel may keep us from reading its database.
_BUSY_SECONDS = 5.0


class DamagedError(Exception):
    """An archive that is not unpacked; its text says why, after "because"."""


@dataclass(frozen=True)
class Limits:
    """How many bytes all files may have together, and each of them, before compression."""

    total: int
    file: int


@dataclass(frozen=True)
class Place:
    """Something that is kept: a file, an SQLite database, or all files below a folder."""

    name: str
    path: Path
    is_database: bool = False
    is_folder: bool = False


def places() -> tuple[Place, ...]:
    """Return what is kept and where this process has it; what is worth most comes first.

    A folder that LabApp's configuration names instead is its administrator's to keep.
    """
    # Only a notebook server has this; the hub, which imports this file too, need not.
    from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir

    config, data = Path(jupyter_config_dir()), Path(jupyter_data_dir())
    ipython = Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython")
    settings = os.environ.get("JUPYTERLAB_SETTINGS_DIR") or config / "lab" / "user-settings"
    workspaces = os.environ.get("JUPYTERLAB_WORKSPACES_DIR") or config / "lab" / "workspaces"
    history = ipython / "profile_default" / "history.sqlite"
    return (
        Place("lab/user-settings", Path(settings), is_folder=True),
        Place("notebook_secret", data / "notebook_secret"),
        Place("nbsignatures.db", data / "nbsignatures.db", is_database=True),
        Place("lab/workspaces", Path(workspaces), is_folder=True),
        Place("ipython/history.sqlite", history, is_database=True),
    )


# Looking and packing


@dataclass(frozen=True)
class _File:
    name: str
    path: Path
    is_database: bool


def _files(places: Iterable[Place]) -> Iterator[_File]:
    for place in places:
        if not place.is_folder:
            yield _File(place.name, place.path, place.is_database)
            continue
        for folder, folders, names in os.walk(place.path, onerror=_refuse_unread):
            folders.sort()
            for path in (Path(folder, name) for name in sorted(names)):
                relative = path.relative_to(place.path).as_posix()
                yield _File(f"{place.name}/{relative}", path, is_database=False)


#: What isn't there, or isn't for this account to see. All else may pass: too many open files.
_ABSENT = (FileNotFoundError, NotADirectoryError, PermissionError)


def _refuse_unread(error: OSError) -> None:
    if not isinstance(error, _ABSENT):
        raise error


def _regular(path: Path) -> os.stat_result | None:
    """Return what is at `path` where that is a file, and no link to one."""
    with suppress(*_ABSENT):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode):
            return found
    return None


def look(places: Iterable[Place]) -> tuple[tuple[str, int, int], ...]:
    """Return what differs after a file has changed: names, times and sizes. Reads no content.

    OSError where a folder can't be read now.
    """
    found = []
    for file in _files(places):
        paths = [file.path]
        if file.is_database:  # which may have its latest transactions beside it
            paths.append(file.path.with_name(f"{file.path.name}-wal"))
        for path in paths:
            status = _regular(path)
            if status is not None:
                found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)


def pack(places: Iterable[Place], limits: Limits, target: IO[bytes]) -> tuple[str, ...]:
    """Write the archive to `target`; return which files are not in it, each with the reason.

    OSError where something can't be read now.
    """
    left_out = []
    room, count = limits.total, 0
    with (
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=target, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for file in _files(places):
            try:
                content = _content(file, min(limits.file, room) if count < MAX_FILES else -1)
            except _ExcludedError as reason:
                left_out.append(f"{file.name} ({reason})")
                continue
            if content is not None:
                room, count = room - len(content), count + 1
                member = tarfile.TarInfo(file.name)
                member.size, member.mode = len(content), 0o600
                tar.addfile(member, io.BytesIO(content))
    return tuple(left_out)


class _ExcludedError(Exception):
    """Why a file is not in the archive."""


def _content(file: _File, most: int) -> bytes | None:
    """Return the bytes of a file, None if there is none. `_ExcludedError` with more than `most` of
    them,
    or if it can never be read."""
    found = _regular(file.path)
    if found is None:
        return None
    size = found.st_size
    if size <= most:
        try:
            content = _read_database(file.path) if file.is_database else file.path.read_bytes()
        except FileNotFoundError:  # deleted meanwhile
            return None
        except sqlite3.OperationalError as error:  # a full disk, too many open files: it may pass
            raise OSError(errno.EIO, f"{file.path.name} can't be read now ({error})") from error
        except (PermissionError, sqlite3.Error) as error:
            raise _ExcludedError(str(error)) from error
        if len(content) <= most:
            return content
        size = len(content)
    raise _ExcludedError(f"{size:,} bytes")


def _read_database(path: Path) -> bytes:
    """Return the database as its last complete transaction left it."""
    deadline = time.monotonic() + _BUSY_SECONDS

    def give_up(*_: int) -> None:
        if time.monotonic() > deadline:
            raise OSError(errno.EBUSY, f"{path.name} is in use")

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        with (
            closing(
                sqlite3.connect(f"file:{quote(str(path))}?mode=rw", _BUSY_SECONDS, uri=True)
            ) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            target.execute("PRAGMA synchronous = OFF")  # it is read once, and now
            source.backup(target, progress=give_up)
        return copy.read_bytes()


# Checking and unpacking


def unpack(source: IO[bytes], places: Sequence[Place], limits: Limits) -> int:
    """Write the archive's files where there are none; return how many. DamagedError, with nothing
    written, if anything in it is not as `pack` makes it; OSError if the disk does not take it."""
    with tempfile.TemporaryFile() as plain:
        _inflate(source, plain, limits.total + MAX_FILES * OVERHEAD)
        try:
            tar = tarfile.open(fileobj=plain, mode="r:")  # noqa: SIM115 (it holds nothing)
            members = _checked(tar)
        except DamagedError:
            raise
        except Exception as error:  # whatever tarfile trips over, it is no archive of ours
            raise DamagedError(f"it is no archive ({error})") from error
        written = 0
        for name, member in members.items():
            path = _path_of(name, places)
            content = tar.extractfile(member)
            if path is not None and content is not None:
                written += _write(path, content)
        return written


def _inflate(source: IO[bytes], target: IO[bytes], limit: int) -> None:
    zipped = gzip.GzipFile(fileobj=source, mode="rb")
    while piece := _piece(zipped):
        target.write(piece)
        if target.tell() > limit:
            raise DamagedError(f"it has more than {limit:,} bytes in it")
    target.seek(0)


def _piece(zipped: gzip.GzipFile) -> bytes:
    try:
        return zipped.read(_CHUNK)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DamagedError(f"it is not whole ({error})") from error


def _checked(tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    """Return the members by name."""
    members: dict[str, tarfile.TarInfo] = {}
    for member in tar:
        name = member.name
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
            raise DamagedError(f"{name!r} in it is no plain file")
        if "\0" in name or {"", ".", ".."} & set(name.split("/")):
            raise DamagedError(f"{name!r} in it is no name of a file")
        if name in members or len(members) == MAX_FILES:
            raise DamagedError("it has too many files, or one of them twice")
        members[name] = member
    for name in members:
        if any(str(folder) in members for folder in Path(name).parents):
            raise DamagedError(f"{name!r} in it is below a file")
    return members


def _path_of(name: str, places: Iterable[Place]) -> Path | None:
    """Return where a file belongs; None for what only another version of this knows."""
    for place in places:
        if place.is_folder and name.startswith(f"{place.name}/"):
            return place.path / name[len(place.name) + 1 :]
        if not place.is_folder and name == place.name:
            return place.path
    return None


def _write(path: Path, content: IO[bytes]) -> bool:
    """Make a file, for its owner only; False where something has its name already."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    try:
        with open(file, "wb") as opened:  # noqa: PTH123 (of a descriptor)
            shutil.copyfileobj(content, opened)
    except OSError:
        path.unlink()
        raise
    return True
