from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from env_packaging.errors import PackagingError
from env_packaging.registry import PublishedEnvironment, resolve
from env_packaging.verify import verify
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import write
from tests.unit.env_packaging.test_manifest import MANIFEST

ROOT = "/apps/envs"
KEY = "0123456789abcdef0123"
ARCHIVE = f"{ROOT}/science/{KEY}.tar.gz"


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644):
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    return made


def archive_of(*members: tarfile.TarInfo) -> bytes:
    """An archive whose regular files each hold four bytes."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for member_info in members:
            member_info.size = 4 if member_info.isreg() else 0
            archive.addfile(member_info, io.BytesIO(b"text"))
    return data.getvalue()


@pytest.fixture
def publish(filesystem: LocalFileSystem) -> Callable[..., PublishedEnvironment]:
    """Put an archive with a manifest that agrees with it into the registry."""

    def put(*members: tarfile.TarInfo) -> PublishedEnvironment:
        data = archive_of(*members)
        filesystem.mkdirs(f"{ROOT}/science")
        filesystem.at(ARCHIVE).write_bytes(data)
        manifest = replace(
            MANIFEST,
            key=KEY,
            sha256=hashlib.sha256(data).hexdigest(),
            archive_bytes=len(data),
            files=sum(not member_info.isdir() for member_info in members),
            unpacked_bytes=sum(member_info.size for member_info in members),
        )
        write(filesystem.at(f"{ROOT}/science/{KEY}.json"), manifest.to_json())
        return resolve(filesystem, ROOT, f"science@{KEY}")

    return put


def test_an_archive_that_matches_its_manifest_has_no_problems(
    filesystem: LocalFileSystem, publish: Callable[..., PublishedEnvironment]
) -> None:
    found = publish(
        member("bin", tarfile.DIRTYPE, mode=0o755),
        member("bin/python3.11", mode=0o755),
        member("bin/python", tarfile.SYMTYPE, "python3.11", 0o777),
        member("lib/python", tarfile.SYMTYPE, "../bin/python", 0o777),
        member("bin/again", tarfile.LNKTYPE, "bin/python3.11"),
    )
    sizes: list[int] = []
    assert verify(filesystem, found, sizes.append) == []
    assert sum(sizes) == found.size_bytes


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (member("../evil"), "../evil would be unpacked outside"),
        (member("lib/../../evil"), "lib/../../evil would be unpacked outside"),
        (member("/etc/evil"), "/etc/evil would be unpacked outside"),
        (member("evil", tarfile.SYMTYPE, "/etc/passwd"), "evil is a link out"),
        (member("lib/evil", tarfile.SYMTYPE, "../../x"), "lib/evil is a link out"),
        (member("evil", tarfile.LNKTYPE, "../x"), "evil is a link out"),
        (member("evil", tarfile.SYMTYPE, "lib/deep/up/../.."), "evil is a link out"),
        (member("evil", tarfile.SYMTYPE, "./lib//deep/up/.."), "evil is a link out"),
        (member("evil", tarfile.LNKTYPE, "lib/deep/up/../../x"), "evil is a link out"),
        (member("lib/deep/up/../../evil"), "lib/deep/up/../../evil would be unpacked outside"),
        (member("lib/link/evil"), "lib/link/evil would be written through a link"),
        (member("evil", mode=0o4755), "evil has a setuid or setgid bit"),
        (member("evil", mode=0o2755), "evil has a setuid or setgid bit"),
        (member("evil", tarfile.CHRTYPE), "evil is a device or a pipe"),
        (member("evil", tarfile.FIFOTYPE), "evil is a device or a pipe"),
        (member("evil", mode=0o666), "evil is world-writable"),
        (member("lib/file"), "lib/file occurs twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_member_that_does_harm_is_named(
    bad: tarfile.TarInfo,
    problem: str,
    filesystem: LocalFileSystem,
    publish: Callable[..., PublishedEnvironment],
) -> None:
    found = publish(
        member("lib/file"),
        member("lib/link", tarfile.SYMTYPE, "."),
        member("lib/deep/up", tarfile.SYMTYPE, "../.."),
        bad,
    )
    (reported,) = verify(filesystem, found)
    assert reported.startswith(problem)


def test_one_changed_byte_is_found(
    filesystem: LocalFileSystem, publish: Callable[..., PublishedEnvironment]
) -> None:
    found = publish(member("file"))
    data = bytearray(filesystem.at(ARCHIVE).read_bytes())
    data[len(data) // 2] ^= 1
    filesystem.at(ARCHIVE).write_bytes(data)
    assert any("SHA-256" in problem for problem in verify(filesystem, found))


def test_a_truncated_archive_is_found(
    filesystem: LocalFileSystem, publish: Callable[..., PublishedEnvironment]
) -> None:
    found = publish(member("file"))
    filesystem.at(ARCHIVE).write_bytes(filesystem.at(ARCHIVE).read_bytes()[:-30])
    problems = verify(filesystem, found)
    assert any("SHA-256" in problem for problem in problems)
    assert "The archive was replaced while it was read." in problems


def test_a_manifest_with_other_counts_is_found(
    filesystem: LocalFileSystem, publish: Callable[..., PublishedEnvironment]
) -> None:
    found = publish(member("file"))
    other = replace(found, manifest=replace(found.manifest, files=2))
    assert verify(filesystem, other) == [
        "The archive holds 1 files of 4 bytes, but its manifest says 2 of 4."
    ]


def test_a_world_writable_archive_is_found(
    filesystem: LocalFileSystem, publish: Callable[..., PublishedEnvironment]
) -> None:
    found = publish(member("file"))
    filesystem.set_permission(ARCHIVE, 0o666)
    with pytest.raises(PackagingError, match="is world-writable"):
        resolve(filesystem, ROOT, f"science@{KEY}")
    assert any("is world-writable" in reported for reported in verify(filesystem, found))


MIB = 1 << 20
ZEROS = bytes(MIB)


def header(kind: bytes, size: int, name: str = "a") -> bytes:
    made = tarfile.TarInfo(name)
    made.type, made.size = kind, size
    return made.tobuf(tarfile.GNU_FORMAT)


def sparse_map() -> Iterator[bytes]:
    """A sparse file whose map has 16 million entries."""
    records = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
    yield header(tarfile.XHDTYPE, len(records)) + records.ljust(512, b"\0")
    yield header(tarfile.REGTYPE, 64 * MIB)
    yield (b"%d\n" % (16 << 20)).ljust(512, b"1")
    yield from [b"1\n" * (MIB // 2)] * 64


#: The content of each archive, and its problem.
BOMBS: dict[str, tuple[Callable[[], Iterator[bytes]], str]] = {
    "a long name": (
        lambda: iter([header(tarfile.GNUTYPE_LONGNAME, 64 * MIB), *[b"a" * MIB] * 64]),
        "extension headers of more than 1 MiB",
    ),
    "a long link": (
        lambda: iter([header(tarfile.GNUTYPE_LONGLINK, 64 * MIB), *[b"a" * MIB] * 64]),
        "extension headers of more than 1 MiB",
    ),
    "a PAX record": (
        lambda: iter([header(tarfile.XHDTYPE, 64 * MIB), *[b"a" * MIB] * 64]),
        "extension headers of more than 1 MiB",
    ),
    "many long names in a row": (
        lambda: iter([(header(tarfile.GNUTYPE_LONGNAME, MIB) + b"a" * MIB)] * 64),
        "extension headers of more than 1 MiB",
    ),
    "short long names in a row": (
        lambda: iter([(header(tarfile.GNUTYPE_LONGNAME, 1) + b"a".ljust(512, b"\0"))] * 9999),
        "extension headers of more than 1 MiB",
    ),
    "many global records": (
        lambda: iter([header(tarfile.XGLTYPE, 512) + bytes(512) + header(tarfile.REGTYPE, 0)] * 99),
        "extension headers of more than 1 MiB",
    ),
    "an old sparse file": (lambda: iter([header(tarfile.GNUTYPE_SPARSE, 0)]), "sparse file"),
    "a sparse map": (sparse_map, "sparse file"),
    "a large file": (
        lambda: iter([header(tarfile.REGTYPE, 256 * MIB), *[ZEROS] * 256]),
        "its manifest says",
    ),
    "many problems": (
        lambda: iter([header(tarfile.CHRTYPE, 0)] * 200_000),
        "it has too many problems",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_archive_made_to_exhaust_memory_is_refused(
    bomb: str, filesystem: LocalFileSystem, publish: Callable[..., PublishedEnvironment]
) -> None:
    found = publish(member("a"))
    content, problem = BOMBS[bomb]
    with gzip.open(filesystem.at(ARCHIVE), "wb", 1) as archive:
        for chunk in content():
            archive.write(chunk)
    tracemalloc.start()
    try:
        problems = verify(filesystem, found)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert any(problem in sentence for sentence in problems), problems[-3:]
    assert peak_bytes < 24 * MIB
    assert max(map(len, problems)) < 1000


def test_names_without_end_are_refused(
    filesystem: LocalFileSystem,
    publish: Callable[..., PublishedEnvironment],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("env_packaging.verify._MAX_NAMES_BYTES", 10_000)
    assert verify(filesystem, publish(*(member(f"{number:03}") for number in range(90)))) == []
    problems = verify(filesystem, publish(*(member(f"{number:03}") for number in range(100))))
    assert "its names need more than" in problems[0]
