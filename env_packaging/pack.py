"""Packs an environment and publishes it: the story, told by the other modules.

    look at the prefix → untouched since the alias was set? → read it, settle it, find its key →
    published already? → write the archive straight into HDFS → its manifest → the alias

- No temporary file on this machine, and memory that doesn't grow with the environment's size.
- Nothing is read if nothing was touched, and nothing is uploaded if the same content is there.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from env_packaging.build.archive import write_archive
from env_packaging.build.fingerprint import fingerprint
from env_packaging.build.packages import installed_packages
from env_packaging.build.plan import Plan, make_plan
from env_packaging.build.prefix import open_prefix
from env_packaging.build.preflight import (
    file_findings,
    glibc_floor,
    hub_findings,
    module_findings,
    refuse_editable_installs,
    refuse_unmovable_interpreter,
    refuse_without_packages,
)
from env_packaging.build.progress import Progress, Silent
from env_packaging.build.prune import Preset
from env_packaging.build.scan import RULES_VERSION, survey_prefix
from env_packaging.manifest import Finding, LeftOut, Manifest
from env_packaging.publish import find, find_unchanged, publish, set_alias
from env_packaging.registry import (
    DEFAULT_ENV_ROOT,
    LATEST,
    Pointer,
    PublishedEnvironment,
    Reference,
    check_alias,
    check_word,
    storage_errors,
)
from hadoop_client.hdfs.filesystem import FileSystem, Writer


@dataclass(frozen=True)
class PackedEnvironment(PublishedEnvironment):
    """A published environment, and whether it was uploaded now or was there before."""

    uploaded: bool


@dataclass(frozen=True)
class Options:
    """What a packer may decide: presets of what to leave out; `assume_base`, whether every node has
    the Python of a venv; `force`, to pack a venv that has no packages; `copies`, how many nodes of
    HDFS are to have a copy of the archive, 0 for what is usual there."""

    prune: tuple[Preset, ...] = ()
    assume_base: bool = False
    force: bool = False
    copies: int = 0


def pack_and_publish(
    prefix: str | os.PathLike[str],
    name: str,
    filesystem: FileSystem,
    env_root: str = DEFAULT_ENV_ROOT,
    *,
    alias: str = LATEST,
    options: Options | None = None,
    progress: Progress | None = None,
) -> PackedEnvironment:
    """Publish the environment at `prefix` as `name`, and let `alias` stand for it.

    Raises PackagingError: PrefixError for what can't be packed, ReferenceFormatError for a name
    that can't be one, StorageError if HDFS refuses. Nothing is published then.
    """
    reference = Reference(check_word("name", name), check_alias(alias))
    options = options or Options()
    source = open_prefix(Path(prefix), assume_base=options.assume_base)
    state = fingerprint(source, f"{RULES_VERSION} {options}")
    published = find_unchanged(filesystem, env_root, reference, state)
    if published is not None:
        return PackedEnvironment(**vars(published), uploaded=False)
    progress = progress or Silent()
    with ThreadPoolExecutor(1) as background:
        modules = background.submit(module_findings, source)  # seconds, of another core
        survey = survey_prefix(source, options.prune)
        refuse_editable_installs(source, survey.members)
        if not options.force:
            refuse_without_packages(source, survey.members)
        plan = make_plan(survey, progress)
        refuse_unmovable_interpreter(plan)
        published = find(filesystem, env_root, name, plan.key)
        uploaded = published is None
        if published is None:
            write = partial(_write, plan, name, filesystem.user, modules, progress)
            published = publish(filesystem, env_root, name, plan.key, write, options.copies)
        elif options.copies:
            with storage_errors(f"set the copies of {published.path}"):
                filesystem.set_replication(published.path, options.copies)
    set_alias(filesystem, env_root, reference, Pointer(plan.key, state))
    return PackedEnvironment(**vars(published), uploaded=uploaded)


def _write(
    plan: Plan,
    name: str,
    user: str,
    modules: Future[list[Finding]],
    progress: Progress,
    file: Writer,
) -> Manifest:
    """Write a plan's archive, and return what it is to be known by."""
    written = write_archive(plan, file, progress)
    interpreter = plan.prefix.interpreter
    packages = installed_packages(plan.prefix, plan.members)
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
        tool=f"yarnhub {_version_of('yarnhub') or '(not installed)'}",
        packages=packages,
        left_out=tuple(
            LeftOut(what, len(sizes), sum(sizes))
            for what, sizes in sorted(plan.listing.left_out.items())
        ),
        findings=(
            *modules.result(),
            *hub_findings(packages, _version_of("jupyterhub")),
            *file_findings(plan),
        ),
        glibc_floor=glibc_floor(plan)[0],
    )


def _version_of(distribution: str) -> str | None:
    """Return the version that is installed here, beside this packer."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
