"""Packs an environment and publishes it: the story, told by the other modules.

    open the prefix → read it, settle it, find its key → published already? → write the archive
    straight into HDFS → its manifest → the alias

- No temporary file on this machine, and memory that doesn't grow with the environment's size.
- Nothing is uploaded if the same content is published already.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from env_packaging.archive import write_archive
from env_packaging.manifest import LeftOut, Manifest
from env_packaging.packages import installed_packages
from env_packaging.plan import Plan, make_plan
from env_packaging.prefix import open_prefix
from env_packaging.preflight import (
    file_findings,
    module_findings,
    refuse_editable_installs,
    refuse_unmovable_interpreter,
)
from env_packaging.progress import Progress, Silent
from env_packaging.publish import find, publish, set_alias
from env_packaging.registry import (
    DEFAULT_ENV_ROOT,
    LATEST,
    PublishedEnvironment,
    check_alias,
    check_word,
)
from hdfs_contents.filesystem import FileSystem, Writer


@dataclass(frozen=True)
class PackedEnvironment(PublishedEnvironment):
    """A published environment, and whether it was uploaded now or was there before."""

    uploaded: bool


def pack_and_publish(
    prefix: str | os.PathLike[str],
    name: str,
    filesystem: FileSystem,
    env_root: str = DEFAULT_ENV_ROOT,
    *,
    alias: str = LATEST,
    progress: Progress | None = None,
) -> PackedEnvironment:
    """Publish the environment at `prefix` as `name`, and let `alias` stand for it.

    Raises PackagingError: PrefixError for what can't be packed, ReferenceFormatError for a name
    that can't be one, StorageError if HDFS refuses. Nothing is published then.
    """
    check_word("name", name)
    check_alias(alias)
    progress = progress or Silent()
    source = open_prefix(Path(prefix))
    plan = make_plan(source, progress)
    refuse_editable_installs(source, plan.members)
    refuse_unmovable_interpreter(plan)
    published = find(filesystem, env_root, name, plan.key)
    uploaded = published is None
    if published is None:
        write = partial(_write, plan, name, filesystem.user, progress)
        published = publish(filesystem, env_root, name, plan.key, write)
    set_alias(filesystem, env_root, name, alias, plan.key)
    return PackedEnvironment(**vars(published), uploaded=uploaded)


def _write(plan: Plan, name: str, user: str, progress: Progress, file: Writer) -> Manifest:
    """Write a plan's archive, and return what it is to be known by."""
    with ThreadPoolExecutor(1) as background:
        modules = background.submit(module_findings, plan.prefix)
        written = write_archive(plan, file, progress)
    interpreter = plan.prefix.interpreter
    return Manifest(
        name=name,
        key=plan.key,
        kind=plan.prefix.kind.value,
        source=str(plan.prefix.path),
        python_version=interpreter.version,
        platform=interpreter.platform,
        libc=interpreter.libc,
        sha256=written.sha256,
        archive_bytes=written.archive_bytes,
        unpacked_bytes=written.unpacked_bytes,
        files=written.files,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        created_by=user,
        tool=f"yarnhub {_own_version()}",
        packages=installed_packages(plan.prefix, plan.members),
        left_out=tuple(
            LeftOut(what, len(sizes), sum(sizes))
            for what, sizes in sorted(plan.listing.left_out.items())
        ),
        findings=(*modules.result(), *file_findings(plan)),
    )


def _own_version() -> str:
    try:
        return version("yarnhub")
    except PackageNotFoundError:
        return "(not installed)"
