"""Packs an environment and publishes it: the sequence of steps; other modules do each of them.

    open the prefix → unchanged since the alias was set? → scan and plan, which gives the key →
    published already? → write the archive straight to HDFS → its manifest → the alias

- No temporary file on this machine, and memory does not grow with the environment's size.
- Nothing is read if no file was touched, and nothing is uploaded if the content is the same. With a
  cache, only what changed is read and compressed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from env_packaging.build.archive import write_archive
from env_packaging.build.cache import PackCache, open_cache
from env_packaging.build.fingerprint import fingerprint
from env_packaging.build.packages import installed_packages
from env_packaging.build.plan import Plan, make_plan
from env_packaging.build.prefix import Prefix, open_prefix
from env_packaging.build.preflight import (
    file_findings,
    glibc_floor,
    hub_findings,
    module_findings,
    refuse_editable_installs,
    refuse_unmovable_interpreter,
    refuse_unusable,
    refuse_without_packages,
    server_failure,
)
from env_packaging.build.private import refuse_private_files
from env_packaging.build.progress import NoProgress, Progress
from env_packaging.build.prune import Preset
from env_packaging.build.scan import RULES_VERSION, PrefixScan, scan_prefix
from env_packaging.build.sources import Origin
from env_packaging.manifest import Finding, LeftOut, Manifest, Package
from env_packaging.publish import find, find_unchanged, publish, set_alias
from env_packaging.registry import (
    DEFAULT_ENV_ROOT,
    LATEST,
    Pointer,
    PublishedEnvironment,
    Reference,
    check_alias,
    check_env_root,
    check_name,
    storage_errors,
)
from hadoop_client.hdfs.filesystem import FileSystem, Writer

__all__ = [
    "PackCache",
    "PackOptions",
    "PackedEnvironment",
    "Preset",
    "Progress",
    "open_cache",
    "pack_and_publish",
]


@dataclass(frozen=True)
class PackedEnvironment(PublishedEnvironment):
    """A published environment. `uploaded` is False if it was published before."""

    uploaded: bool


@dataclass(frozen=True)
class PackOptions:
    """How to pack an environment.

    - `prune`: presets of files to leave out.
    - `assume_base`: leave out the Python of a venv, because every node has it at the same path.
    - `force`: pack a venv even if it has no packages, and an environment with files that cannot
      work on a node or in which no server can start.
    - `allow_private`: patterns of names of private files to publish anyway.
    - `copies`: HDFS replication of the archive; 0 uses the cluster's default.
    """

    prune: tuple[Preset, ...] = ()
    assume_base: bool = False
    force: bool = False
    copies: int = 0
    allow_private: tuple[str, ...] = ()


def pack_and_publish(  # noqa: PLR0913 - all but three have a default
    prefix: str | os.PathLike[str],
    name: str,
    filesystem: FileSystem,
    env_root: str = DEFAULT_ENV_ROOT,
    *,
    alias: str = LATEST,
    options: PackOptions | None = None,
    progress: Progress | None = None,
    origin: Origin | None = None,
    cache: PackCache | None = None,
) -> PackedEnvironment:
    """Publish the environment at `prefix` as `name`, and point `alias` at it.

    `origin` is what the prefix was built from, if it is temporary; the manifest has it. With a
    cache, only what changed since it was packed before is read and compressed.

    Raises PackagingError: PrefixError if the prefix cannot be packed, ReferenceFormatError if a
    name is malformed, UnsafeEnvironmentError if the registry is open to tampering, and StorageError
    if HDFS fails. After an error nothing is published.
    """
    reference = Reference(check_name("name", name), check_alias(alias))
    check_env_root(env_root)
    options = options or PackOptions()
    source = open_prefix(Path(prefix), assume_base=options.assume_base)
    current = fingerprint(source, f"{RULES_VERSION} {options}")
    published = find_unchanged(filesystem, env_root, reference, current)
    if published is not None:
        return PackedEnvironment(**vars(published), uploaded=False)
    progress = progress or NoProgress()
    plan, packages, findings = _inspected(source, options, progress, cache)
    names = _Names(name, origin or Origin(str(source.path)), filesystem.user)
    write = partial(_write, plan, names, packages, findings, progress, cache)
    publish_plan = partial(publish, filesystem, env_root, name, plan.key, write, options.copies)
    published = find(filesystem, env_root, name, plan.key)
    uploaded = published is None
    if published is None:
        published = publish_plan()
    elif options.copies:
        with storage_errors(f"set the replication of {published.path}"):
            filesystem.set_replication(published.path, options.copies)
    set_alias(filesystem, env_root, reference, Pointer(plan.key, current))
    if find(filesystem, env_root, name, plan.key) is None:  # `envs gc` did not see the alias yet
        published, uploaded = publish_plan(), True
    return PackedEnvironment(**vars(published), uploaded=uploaded)


def _inspected(
    source: Prefix, options: PackOptions, progress: Progress, cache: PackCache | None
) -> tuple[Plan, tuple[Package, ...], Sequence[Finding]]:
    """Return the plan of a prefix, its packages and the findings for the manifest. Raises
    PrefixError for what may not be published."""
    with ThreadPoolExecutor(1) as background:
        modules = background.submit(module_findings, source)  # seconds, in another process
        scan = scan_prefix(source, options.prune)
        _refuse_files(scan, options)
        plan = make_plan(scan, progress, cache)
        refuse_unmovable_interpreter(plan)
        packages = installed_packages(source, plan.members)
        server = server_failure(modules.result(), packages)
        refuse_unusable(plan, server, force=options.force)
        return plan, packages, _findings(plan, packages, modules.result())


def _findings(
    plan: Plan, packages: tuple[Package, ...], modules: Sequence[Finding]
) -> Sequence[Finding]:
    """Return what the manifest tells of an environment; `modules` are of its modules."""
    hub = hub_findings(packages, _version_of("jupyterhub"))
    return [*modules, *hub, *file_findings(plan)]


def _refuse_files(scan: PrefixScan, options: PackOptions) -> None:
    refuse_editable_installs(scan.prefix, scan.members)
    refuse_private_files(scan, options.allow_private)
    if not options.force:
        refuse_without_packages(scan.prefix, scan.members)


class _Names(NamedTuple):
    """The environment's name, what it was packed from, and the user who packs it."""

    environment: str
    origin: Origin
    user: str


def _write(
    plan: Plan,
    names: _Names,
    packages: tuple[Package, ...],
    findings: Sequence[Finding],
    progress: Progress,
    cache: PackCache | None,
    file: Writer,
) -> Manifest:
    """Write the archive of a plan, and return its manifest."""
    written = write_archive(plan, file, progress, cache)
    interpreter = plan.prefix.interpreter
    return Manifest(
        name=names.environment,
        key=plan.key,
        kind=plan.prefix.kind.value,
        source=names.origin.source,
        python_version=interpreter.version,
        platform=interpreter.platform,
        libc=interpreter.libc,
        sha256=written.sha256,
        archive_bytes=written.archive_bytes,
        unpacked_bytes=written.unpacked_bytes,
        files=written.files,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        created_by=names.user,
        tool=f"yarnhub {_version_of('yarnhub') or '(not installed)'}",
        packages=packages,
        left_out=tuple(
            LeftOut(reason, len(sizes), sum(sizes))
            for reason, sizes in sorted(plan.listing.left_out.items())
        ),
        findings=tuple(findings),
        glibc_floor=glibc_floor(plan)[0],
        requirements=names.origin.requirements,
    )


def _version_of(distribution: str) -> str | None:
    """Return the version of a distribution in this Python, None if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
