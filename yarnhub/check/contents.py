"""A notebook root in HDFS, tried end to end as whoever runs this; nothing is left behind."""

from __future__ import annotations

import errno
import posixpath
import secrets
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass

from hadoop_client.hdfs.filesystem import FileSystem, Usage
from yarnhub.check.findings import Finding, Verdict

SAVES = 5
SLOW_SAVE_SECONDS = 1.0
PROBE = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'


def check_root(filesystem: FileSystem, root: str) -> list[Finding]:
    """Save, read, rename and delete a probe in `root`; look at its quota and at the trash."""
    try:
        if not filesystem.stat(root).is_dir:
            return [_failed(f"{root} is a file.", "Name a folder.")]
        filesystem.check_write(root)
        tried = _try(filesystem, root)
        usage = filesystem.usage(root)
    except FileNotFoundError:
        return [_failed(f"{root} does not exist.", "Make it, or name another folder.")]
    except PermissionError:
        remedy = f"Look at `hdfs dfs -getfacl {root}`; the owner can change it."
        return [_failed(f"{filesystem.user} may not write to {root}.", remedy)]
    except OSError as error:
        why = f"{root} can't be used: {error.strerror or error}."
        return [_failed(why, "Until this is mended nobody can save there.")]
    return [
        judge_saves(filesystem.user, root, tried.save_seconds),
        judge_quota(root, usage),
        judge_trash(tried.trash),
    ]


@dataclass(frozen=True)
class Tried:
    """What a save took at the median, and where the probe was in the trash, if there is one."""

    save_seconds: float
    trash: str | None


def _try(filesystem: FileSystem, root: str) -> Tried:
    """Do with a probe what people do with files; it is gone afterwards."""
    target = posixpath.join(root, f".yarnhub-check-{secrets.token_hex(6)}")
    temporary = target + ".tmp"
    times = []
    try:
        for _ in range(SAVES):
            began = time.monotonic()
            with filesystem.open_write(temporary, 0o600) as writer:
                writer.write(PROBE)
            filesystem.rename(temporary, target, overwrite=True)
            times.append(time.monotonic() - began)
        with filesystem.open_read(target) as reader:
            if reader.read() != PROBE:
                raise OSError(errno.EIO, "what was read is not what was written", target)  # noqa: TRY301
        trash = filesystem.trash(target)
        filesystem.delete(trash or target)
    except BaseException:
        for path in (temporary, target):
            with suppress(OSError):
                filesystem.delete(path)
        raise
    return Tried(statistics.median(times), trash)


def judge_saves(user: str, root: str, seconds: float) -> Finding:
    """Judge saves that worked by what one took."""
    why = f"{user} can save, read, rename and delete in {root}; a save takes {seconds * 1e3:.0f} ms"
    if seconds < SLOW_SAVE_SECONDS:
        return Finding("contents", Verdict.OK, why + ".")
    remedy = "See the load of the NameNode and of the DataNodes."
    return Finding("contents", Verdict.WARNING, why + ", which is slow.", remedy)


def judge_quota(root: str, usage: Usage) -> Finding:
    """Judge what the root's own quota leaves."""
    left = []
    if usage.names_left is not None:
        left.append(f"{usage.names_left} names")
    if usage.bytes_left is not None:
        left.append(f"{usage.bytes_left / 1e6:.0f} MB on disk, replicas counted")
    if not left:
        return Finding("contents", Verdict.OK, f"{root} has no quota of its own.")
    why = f"The quota of {root} leaves {' and '.join(left)}."
    # A save needs a name and a block beside the file that it replaces.
    scarce = (usage.names_left is not None and usage.names_left < 10) or (
        usage.bytes_left is not None and usage.bytes_left < 1 << 30
    )
    if not scarce:
        return Finding("contents", Verdict.OK, why)
    remedy = "Delete files, or ask an administrator for more (`hdfs dfsadmin -setSpaceQuota`)."
    return Finding("contents", Verdict.WARNING, why, remedy)


def judge_trash(trash: str | None) -> Finding:
    """Say whether what people delete can be brought back."""
    if trash is None:
        why = "The cluster has no trash: what people delete is gone."
        remedy = "Set fs.trash.interval (minutes) in the NameNode's core-site.xml."
        return Finding("contents", Verdict.WARNING, why, remedy)
    where = trash.partition("/Current/")[0]
    return Finding("contents", Verdict.OK, f"What people delete goes to the trash, {where}.")


def _failed(why: str, remedy: str) -> Finding:
    return Finding("contents", Verdict.FAILED, why, remedy)
