"""Keeps what packing an environment again can reuse, in a directory of the user.

- The directory is `yarnhub/pack` in XDG_CACHE_HOME, or in `~/.cache`, and has the mode 0700. It is
  not used if another user owns it or can write into it, or can replace a directory above it.
- An entry is written under a temporary name, gets a checksum, and is renamed. An entry that an
  interrupted write or a bad disk damaged is deleted and made again.
- The size is limited. The entries that were not used for the longest time are deleted first.
- If the cache cannot be written, it is emptied and not used: packing continues without it.
- Several processes can use it at once. No process deletes what another one is writing.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

#: The most bytes of all entries: several environments of 900 MB, compressed.
MAX_BYTES = 2 << 30

#: The cache takes at most this part of the disk's free space.
_PART_OF_FREE_SPACE = 4

#: A file's status is trusted if the file did not change in this time before packing began. Another
#: change in the same step of the file system's clock would not be seen.
_SETTLING_NS = 2_000_000_000

#: Another process may still write a temporary file that is younger than this, in seconds.
_TEMPORARY_SECONDS = 24 * 3600

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

_CHUNK_BYTES = 1 << 20
_CHECKSUM = struct.Struct("<I")


def default_directory() -> Path:
    """Return the directory of the cache. Raises RuntimeError if the user has no home."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "yarnhub" / "pack"


def open_cache(directory: Path | None = None, now_ns: int | None = None) -> PackCache | None:
    """Open the cache in a directory, which is created; None if it cannot be used.

    `now_ns` is the time at which packing begins.
    """
    try:
        directory = directory or default_directory()
        _create_parents(directory)
        # The cache is used by its path: the links in it are followed once, here.
        directory = directory.parent.resolve() / directory.name
        if not all(map(_only_we_can_replace, directory.parents)):
            return None
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
        if status.st_uid != os.geteuid() or status.st_mode & _OTHERS_WRITE:
            return None
        if not stat.S_ISDIR(status.st_mode):
            return None
        directory.chmod(0o700)
        return PackCache(directory, time.time_ns() if now_ns is None else now_ns)
    except (OSError, RuntimeError):
        return None


def _create_parents(directory: Path) -> None:
    """Create the missing parents of a directory for this user only, whatever the umask is."""
    for parent in reversed(directory.parents):
        if not parent.exists():
            parent.mkdir(mode=0o700, exist_ok=True)


def _only_we_can_replace(directory: Path) -> bool:
    """Return whether only this user and root can replace our entry in a directory above the cache.

    The sticky bit is enough, as in /tmp.
    """
    status = directory.stat()
    if status.st_uid not in (0, os.geteuid()):
        return False
    return bool(status.st_mode & stat.S_ISVTX) or not status.st_mode & _OTHERS_WRITE


class PackCache:
    """Entries by key: a name without a dot at its start."""

    def __init__(self, directory: Path, now_ns: int, max_bytes: int = MAX_BYTES) -> None:
        self._directory = directory
        self._settled_ns = now_ns - _SETTLING_NS
        self._used: set[str] = set()
        entries = self._entries()
        self.keys = {path.name for _, _, path in entries if not path.name.startswith(".")}
        self._size = sum(size for _, size, _ in entries)
        free = shutil.disk_usage(directory).free
        self._max_bytes = min(max_bytes, (free + self._size) // _PART_OF_FREE_SPACE)
        self._writable = True
        self._unfinished: set[NewEntry] = set()

    def __enter__(self) -> PackCache:
        return self

    def __exit__(self, *_: object) -> None:
        """Discard the entries that were not committed."""
        for entry in list(self._unfinished):
            entry.discard()

    def is_settled(self, changed_ns: int) -> bool:
        """Return whether a file with this change time can be recognized by its status later."""
        return changed_ns < self._settled_ns

    def open(self, key: str) -> Entry | None:
        """Return an entry, None if it is gone or damaged."""
        path = self._directory / key
        with suppress(OSError):
            entry = Entry(path)
            if entry.is_undamaged():
                os.utime(path)
                self._used.add(key)
                return entry
            entry.close()
            path.unlink()
        return None

    def create(self, key: str) -> NewEntry | None:
        """Return an entry to write, None if the cache takes no more."""
        if not self._writable:
            return None
        try:
            entry = NewEntry(self, self._directory, key)
        except OSError:
            self.give_up()
            return None
        self._unfinished.add(entry)
        self._used |= {key, entry.temporary.name}
        return entry

    def finished(self, entry: NewEntry) -> None:
        """Take note that an entry was committed or discarded."""
        self._unfinished.discard(entry)

    def make_space(self, size: int) -> bool:
        """Make space for so many bytes; return False if what this run uses takes all of it."""
        self._size += size
        if self._size > self._max_bytes:
            entries = self._entries()
            self._size = sum(size for _, size, _ in entries)
            # Not one by one: each time costs a look at all entries.
            wanted = self._max_bytes - self._max_bytes // 10
            for modified, entry_size, path in entries:
                if self._size <= wanted:
                    break
                if path.name not in self._used and not _is_being_written(path, modified):
                    with suppress(OSError):
                        path.unlink()
                    self._size -= entry_size
            self._writable = self._size <= self._max_bytes
        return self._writable

    def give_up(self) -> None:
        """Empty the cache, and take no more: the disk or the user's quota is full."""
        self._writable = False
        for modified, _, path in self._entries():
            if path.name in self._used or not _is_being_written(path, modified):
                with suppress(OSError):
                    path.unlink()

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Return modification time, size and path of each entry, the oldest first."""
        entries = []
        with suppress(OSError), os.scandir(self._directory) as iterator:
            for entry in iterator:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    entries.append((status.st_mtime, status.st_size, Path(entry.path)))
        return sorted(entries)


def _is_being_written(path: Path, modified: float) -> bool:
    """Return whether a process may still write a file. An interrupted one leaves it behind."""
    return path.name.startswith(".") and modified > time.time() - _TEMPORARY_SECONDS


class Entry:
    """An entry of `size` bytes. It stays readable if another process deletes it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size - _CHECKSUM.size

    def __enter__(self) -> Entry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def is_undamaged(self) -> bool:
        """Return whether the content has its checksum."""
        checksum = 0
        for chunk in self.chunks(0, self.size):
            checksum = zlib.crc32(chunk, checksum)
        return self._file.read() == _CHECKSUM.pack(checksum)

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield a part of the content. Raises OSError."""
        self._file.seek(start)
        while start < end:
            chunk = self._file.read(min(end - start, _CHUNK_BYTES))
            if not chunk:
                raise OSError(f"{self._file.name} became shorter")
            start += len(chunk)
            yield chunk


class NewEntry:
    """An entry that is being written. An error of the disk ends the use of the cache, silently."""

    def __init__(self, cache: PackCache, directory: Path, key: str) -> None:
        self._cache = cache
        self._path = directory / key
        self.temporary = directory / f".{key}.{secrets.token_hex(4)}"
        self._checksum = 0
        self._file: BinaryIO | None = self.temporary.open("xb")

    def write(self, data: bytes) -> None:
        if self._file is None:
            return
        self._checksum = zlib.crc32(data, self._checksum)
        try:
            self._file.write(data)
            self._file.flush()
        except OSError:
            self.discard()
            self._cache.give_up()
        else:
            if not self._cache.make_space(len(data)):
                self.discard()

    def commit(self) -> None:
        """Make the entry visible."""
        self.write(_CHECKSUM.pack(self._checksum))
        if self._file is None:
            return
        try:
            self._file.close()
            self.temporary.rename(self._path)
        except FileNotFoundError:
            self.discard()  # another process deleted the temporary file, or the user all files
        except OSError:
            self.discard()
            self._cache.give_up()
        self._end()

    def discard(self) -> None:
        """Remove the entry unless it was committed."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self.temporary.unlink()
            self._end()

    def _end(self) -> None:
        self._file = None
        self._cache.finished(self)
