"""The end-to-end check of a notebook root in HDFS, as the current user. Leaves nothing behind."""

from __future__ import annotations

import errno
import posixpath
import secrets
import shlex
import statistics
import time
from contextlib import suppress
from dataclasses import dataclass

from hadoop_client.hdfs.atomic import write_file
from hadoop_client.hdfs.filesystem import FileStatus, FileSystem, Usage
from yarnhub.check.results import CheckResult, Verdict

SAVES = 5
SLOW_SAVE_SECONDS = 1.0
PROBE = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'


def check_root(filesystem: FileSystem, root: str) -> list[CheckResult]:
    """Save, read, rename and delete a test file in `root`; check the quota and the trash."""
    try:
        if not filesystem.stat(root).is_dir:
            return [_failed(f"{root} is a file.", "Choose a directory.")]
        filesystem.check_write(root)
        trial = _try(filesystem, root)
        usage = filesystem.usage(root)
    except FileNotFoundError:
        return [_failed(f"{root} does not exist.", "Create it, or choose another directory.")]
    except PermissionError:
        remedy = f"See `hdfs dfs -getfacl {shlex.quote(root)}`; the owner can change it."
        return [_failed(f"{filesystem.user} may not write to {root}.", remedy)]
    except OSError as error:
        why = f"{root} cannot be used: {error.strerror or error}."
        return [_failed(why, "Until this is fixed, no notebook can be saved there.")]
    return [
        judge_saves(filesystem.user, root, trial.save_seconds),
        judge_quota(root, usage),
        judge_trash(trial.trash),
    ]


@dataclass(frozen=True)
class SaveTrial:
    """The median duration of a save, and the test file's path in the trash, if there is one."""

    save_seconds: float
    trash: str | None


def _try(filesystem: FileSystem, root: str) -> SaveTrial:
    """Save, read and delete a test file, as users do with theirs."""
    target = posixpath.join(root, f".yarnhub-check-{secrets.token_hex(6)}")
    saved: FileStatus | None = None
    durations = []
    try:
        for _ in range(SAVES):
            began = time.monotonic()
            saved = write_file(filesystem, target, [PROBE], replaces=saved)
            durations.append(time.monotonic() - began)
        with filesystem.open_read(target) as reader:
            if reader.read() != PROBE:
                raise OSError(errno.EIO, "the content read is not the content written", target)  # noqa: TRY301
        trash = filesystem.trash(target)
        filesystem.delete(trash or target)
    except BaseException:
        with suppress(OSError):
            filesystem.delete(target)
        raise
    return SaveTrial(statistics.median(durations), trash)


def judge_saves(user: str, root: str, seconds: float) -> CheckResult:
    """Judge successful saves by the duration of one."""
    why = f"{user} can save, read, rename and delete in {root}; a save takes {seconds * 1e3:.0f} ms"
    if seconds < SLOW_SAVE_SECONDS:
        return CheckResult("contents", Verdict.OK, why + ".")
    remedy = "See the load of the NameNode and of the DataNodes."
    return CheckResult("contents", Verdict.WARNING, why + ", which is slow.", remedy)


def judge_quota(root: str, usage: Usage) -> CheckResult:
    """Judge the free space under the root's own quota."""
    left = []
    if usage.names_left is not None:
        left.append(f"{usage.names_left} names")
    if usage.bytes_left is not None:
        left.append(f"{usage.bytes_left / 1e6:.0f} MB on disk, replicas counted")
    if not left:
        return CheckResult("contents", Verdict.OK, f"{root} has no quota.")
    why = f"The quota of {root} leaves {' and '.join(left)}."
    # A save needs a name and a block besides those of the file that it replaces.
    scarce = (usage.names_left is not None and usage.names_left < 10) or (
        usage.bytes_left is not None and usage.bytes_left < 1 << 30
    )
    if not scarce:
        return CheckResult("contents", Verdict.OK, why)
    remedy = "Delete files, or ask an administrator for more (`hdfs dfsadmin -setSpaceQuota`)."
    return CheckResult("contents", Verdict.WARNING, why, remedy)


def judge_trash(trash: str | None) -> CheckResult:
    """Judge whether deleted files can be restored."""
    if trash is None:
        why = "The cluster has no trash: deleted files cannot be restored."
        remedy = "Set fs.trash.interval (minutes) in the NameNode's core-site.xml."
        return CheckResult("contents", Verdict.WARNING, why, remedy)
    where = trash.partition("/Current/")[0]
    return CheckResult("contents", Verdict.OK, f"Deleted files go to the trash, {where}.")


def _failed(why: str, remedy: str) -> CheckResult:
    return CheckResult("contents", Verdict.FAILED, why, remedy)
