"""`c.YarnSpawner.localize_files`: what else an administrator wants in each container.

- A file of HDFS (`hdfs://...`) is fetched by the node, and unpacked where it is an archive.
- A small file of the edge node travels with the launch, private as the rest of it. A large one
  would have to be staged for each start: it is refused, with the command that puts it into HDFS.

The option's form is that of the retired yarnspawner: a path, or a dict of `source`, `type`
("archive" or "file") and `visibility` ("public", or anything else).
"""

from __future__ import annotations

import asyncio
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hadoop_client.hdfs.filesystem import FileStatus, FileSystem, open_filesystem
from hadoop_client.yarn.records import Url
from yarnspawner.failures import ClusterUnavailableError, OptionsError
from yarnspawner.launch.spec import LocalizedFile

#: What YARN unpacks, by the end of the name.
ARCHIVE_NAMES = (".tar.gz", ".tgz", ".tar", ".zip", ".jar")

#: Of all local files together: ResourceManagers keep each launch, and their stores have limits.
MOST_LOCAL_BYTES = 64 << 10


@dataclass(frozen=True)
class RequestedFile:
    """One entry of the option, understood. `source` is a full URL, or a path of the edge node."""

    link: str
    source: str
    archive: bool
    public: bool

    @property
    def local(self) -> bool:
        return self.source.startswith("/")


def parse(option: Mapping[str, Any], default_filesystem: str) -> list[RequestedFile]:
    """Understand the option; raises `OptionsError` with what is wrong in it."""
    return [_parse_entry(link, value, default_filesystem) for link, value in option.items()]


def _parse_entry(link: str, value: Any, default_filesystem: str) -> RequestedFile:
    if hasattr(value, "to_dict"):  # a skein.File
        value = value.to_dict()
    fields = {"source": value} if isinstance(value, str) else value
    if not isinstance(fields, Mapping) or not isinstance(fields.get("source"), str):
        raise _wrong(link, "needs a source: a path, or hdfs://...")
    if not re.fullmatch(r"[A-Za-z0-9_.][A-Za-z0-9_.+=-]*", link) or link in (".", ".."):
        raise _wrong(link, "is no plain file name of letters, digits and _ . + = -")
    unknown = set(fields) - {"source", "type", "visibility", "size", "timestamp"}
    if unknown:
        raise _wrong(link, f"has the unknown field {sorted(unknown)[0]!r}")
    source = fields["source"].removeprefix("file://")
    if source.startswith("hdfs:///"):
        source = default_filesystem.rstrip("/") + source.removeprefix("hdfs://")
    kind = str(fields.get("type", "infer")).lower()
    return RequestedFile(
        link,
        source,
        archive=kind == "archive" or (kind == "infer" and source.endswith(ARCHIVE_NAMES)),
        public=str(fields.get("visibility", "")).lower() == "public",
    )


def local_files(wanted: Sequence[RequestedFile]) -> dict[str, bytes]:
    """Read those of the edge node, by their link; raises `OptionsError`. Their disk may hang."""
    found: dict[str, bytes] = {}
    for each in wanted:
        if not each.local:
            continue
        put = f"hdfs dfs -put {each.source} /apps/yarnhub/, and name it by hdfs://"
        if each.archive:
            raise _wrong(each.link, f"is an archive of the edge node: put it into HDFS ({put}...)")
        try:
            with Path(each.source).open("rb") as file:
                found[each.link] = file.read(MOST_LOCAL_BYTES + 1)
        except OSError as error:
            raise _wrong(each.link, f"can't be read: {error.strerror} ({each.source})") from error
        if sum(map(len, found.values())) > MOST_LOCAL_BYTES:
            raise _wrong(
                each.link, f"is more than can travel with a launch: put it into HDFS ({put}...)"
            )
    return found


async def remote_files(wanted: Sequence[RequestedFile]) -> list[LocalizedFile]:
    """Ask HDFS for the size and time that YARN wants to know; raises `SpawnError`."""
    remote = [each for each in wanted if not each.local]
    return list(await asyncio.gather(*(asyncio.to_thread(_remote_file, each) for each in remote)))


def _remote_file(wanted: RequestedFile) -> LocalizedFile:
    try:
        url = Url.parse(wanted.source)
    except ValueError as error:
        raise _wrong(wanted.link, str(error)) from error
    try:
        filesystem = open_filesystem(wanted.source.removesuffix(url.file))
    except OSError as error:
        raise _wrong(wanted.link, f"can't be had: {error.strerror} ({wanted.source})") from error
    except ImportError as error:
        raise ClusterUnavailableError(
            f"JupyterHub can't read HDFS: {error}. An administrator has to install yarnhub[hub]."
        ) from error
    try:
        status = filesystem.stat(url.file)
        if wanted.public:
            _check_public(filesystem, wanted.link, status)
    except (FileNotFoundError, PermissionError) as error:
        raise _wrong(wanted.link, f"can't be had: {error.strerror} ({wanted.source})") from error
    except OSError as error:
        raise ClusterUnavailableError.for_now(
            f"HDFS did not tell about {wanted.source}: {error.strerror or error}."
        ) from error
    if status.is_dir:
        raise _wrong(wanted.link, f"is a folder: give one file or archive ({wanted.source})")
    return LocalizedFile(
        wanted.link, url, status.size, status.modified_ms, wanted.public, wanted.archive
    )


def _check_public(filesystem: FileSystem, link: str, status: FileStatus) -> None:
    """Refuse what YARN would refuse later, on the node, in words that nobody understands."""
    closed = not status.mode & 0o004
    folder = posixpath.dirname(status.path)
    while not closed and folder != "/":
        closed = not filesystem.stat(folder).mode & 0o001
        folder = posixpath.dirname(folder)
    if closed:
        raise _wrong(
            link,
            f"is to be public, but not everybody may read it: hdfs dfs -chmod o+r {status.path}, "
            "and o+x on the folders above it, or leave the visibility out",
        )


def _wrong(link: str, what: str) -> OptionsError:
    return OptionsError(
        f"c.YarnSpawner.localize_files[{link!r}] {what}. An administrator has to correct it."
    )
