"""`c.YarnSpawner.localize_files`: further files in each container.

- A file in HDFS (`hdfs://...`) is fetched by the node, and unpacked if it is an archive.
- A small file on the edge node travels with the launch and is as private as the rest of it. A large
  one would have to be staged for each start, so it is refused with the command that puts it into
  HDFS.

The option's form is that of the retired yarnspawner: a path, or a dict of `source`, `type`
("archive" or "file") and `visibility` ("public", or anything else).
"""

from __future__ import annotations

import asyncio
import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hadoop_client.hdfs.filesystem import FileStatus, FileSystem, open_filesystem
from hadoop_client.yarn.records import Url
from yarnspawner.failures import ClusterUnavailableError, OptionsError
from yarnspawner.launch.spec import LocalizedFile

#: The names' endings of archives that YARN can unpack.
ARCHIVE_NAMES = (".tar.gz", ".tgz", ".tar", ".zip", ".jar")

#: The limit of all local files of a launch together: the ResourceManager keeps each launch in its
#: state store, whose entries are limited in size (ZooKeeper's to 1 MiB).
MOST_LOCAL_BYTES = 64 << 10


@dataclass(frozen=True)
class RequestedFile:
    """A parsed entry of the option. `source` is a full URL, or a path on the edge node."""

    link: str
    source: str
    archive: bool
    public: bool

    @property
    def local(self) -> bool:
        return self.source.startswith("/")


def parse(option: Mapping[str, object], default_filesystem: str) -> list[RequestedFile]:
    """Parse the option; raises `OptionsError`.

    `default_filesystem` is the URL of the cluster's HDFS; empty if it has none.
    """
    return [_parse_entry(link, value, default_filesystem) for link, value in option.items()]


def _parse_entry(link: str, value: object, default_filesystem: str) -> RequestedFile:
    if hasattr(value, "to_dict"):  # a skein.File
        value = value.to_dict()
    fields: Mapping[str, object] = value if isinstance(value, Mapping) else {"source": value}
    source = fields.get("source")
    if not isinstance(source, str):
        raise _wrong(link, "needs a source: a path, or hdfs://...")
    if not re.fullmatch(r"[A-Za-z0-9_.][A-Za-z0-9_.+=-]*", link) or link in (".", ".."):
        raise _wrong(link, "must be a plain file name of letters, digits and _ . + = -")
    unknown = set(fields) - {"source", "type", "visibility", "size", "timestamp"}
    if unknown:
        raise _wrong(link, f"has the unknown field {sorted(unknown)[0]!r}")
    source = source.removeprefix("file://")
    if source.startswith("hdfs:///") and not default_filesystem:
        raise _wrong(link, "is in the cluster's HDFS, of which JupyterHub knows none")
    if source.startswith("hdfs:///"):
        source = default_filesystem.rstrip("/") + source.removeprefix("hdfs://")
    kind = str(fields.get("type", "infer")).lower()
    return RequestedFile(
        link,
        source,
        archive=kind == "archive" or (kind == "infer" and source.endswith(ARCHIVE_NAMES)),
        public=str(fields.get("visibility", "")).lower() == "public",
    )


def local_files(requested: Sequence[RequestedFile]) -> dict[str, bytes]:
    """Read the files of the edge node, by their links; raises `OptionsError`.

    Blocks as long as their disk does.
    """
    contents: dict[str, bytes] = {}
    for file in requested:
        if not file.local:
            continue
        remedy = (
            f"put it into HDFS (hdfs dfs -put {shlex.quote(file.source)} /apps/yarnhub/) and give "
            "its hdfs:// path here"
        )
        if file.archive:
            raise _wrong(file.link, f"is an archive on the edge node: {remedy}")
        try:
            with Path(file.source).open("rb") as stream:
                contents[file.link] = stream.read(MOST_LOCAL_BYTES + 1)
        except OSError as error:
            raise _unreadable(file, error) from error
        if sum(map(len, contents.values())) > MOST_LOCAL_BYTES:
            raise _wrong(
                file.link,
                "makes the files of the edge node larger than "
                f"{MOST_LOCAL_BYTES >> 10} KiB together: {remedy}",
            )
    return contents


async def remote_files(requested: Sequence[RequestedFile]) -> list[LocalizedFile]:
    """Look up the size and time of the files in HDFS, which YARN checks; raises `SpawnError`."""
    remote = [file for file in requested if not file.local]
    return list(await asyncio.gather(*(asyncio.to_thread(_remote_file, file) for file in remote)))


def _remote_file(requested: RequestedFile) -> LocalizedFile:
    try:
        url = Url.parse(requested.source)
    except ValueError as error:
        raise _wrong(requested.link, str(error)) from error
    try:
        filesystem = open_filesystem(requested.source.removesuffix(url.file))
    except OSError as error:
        raise _unreadable(requested, error) from error
    except ImportError as error:
        raise ClusterUnavailableError(
            f"JupyterHub cannot read HDFS: {error}. Ask an administrator to install yarnhub[hub]."
        ) from error
    try:
        status = filesystem.stat(url.file)
        if requested.public:
            _check_public(filesystem, requested.link, status)
    except (FileNotFoundError, PermissionError) as error:
        raise _unreadable(requested, error) from error
    except OSError as error:
        raise ClusterUnavailableError.for_now(
            f"JupyterHub could not look up {requested.source} in HDFS: {error.strerror or error}."
        ) from error
    if status.is_dir:
        raise _wrong(
            requested.link, f"is a directory: give one file or archive ({requested.source})"
        )
    return LocalizedFile(
        requested.link, url, status.size, status.modified_ms, requested.public, requested.archive
    )


def _check_public(filesystem: FileSystem, link: str, status: FileStatus) -> None:
    """Refuse a file that the node would refuse to localize as public."""
    closed = not status.mode & 0o004
    directory = posixpath.dirname(status.path)
    while not closed and directory != "/":
        closed = not filesystem.stat(directory).mode & 0o001
        directory = posixpath.dirname(directory)
    if closed:
        raise _wrong(
            link,
            "has the visibility 'public', but not every user may read it: run hdfs dfs -chmod o+r "
            f"{shlex.quote(status.path)}, and o+x on the directories above it, or remove the "
            "visibility",
        )


def _unreadable(file: RequestedFile, error: OSError) -> OptionsError:
    return _wrong(file.link, f"could not be read: {error.strerror} ({file.source})")


def _wrong(link: str, problem: str) -> OptionsError:
    return OptionsError(
        f"c.YarnSpawner.localize_files[{link!r}] {problem}. Ask an administrator to correct it."
    )
