"""Uploads in chunks: a whole file at the end, or the old one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from hdfs_contents.uploads import Uploads
from tests.unit.hdfs_contents.manager.models import Names, Read, Write, refused, text


async def test_chunks_are_joined_in_order(
    manager: HDFSContentsManager, fs: FileSystem, root: str, write: Write, read: Read, names: Names
) -> None:
    write("a.txt", "what was there before", mode=0o640)
    for chunk, content, size in ((1, "ab", 2), (2, "cd", 4), (3, "", 4)):
        saved = await manager.save(text(content, chunk=chunk), "a.txt")
        assert (saved["path"], saved["size"]) == ("a.txt", size)
        assert read("a.txt") == b"what was there before"
    saved = await manager.save(text("ef", chunk=-1), "a.txt")
    assert saved == await manager.get("a.txt", content=False)
    assert read("a.txt") == b"abcdef"
    assert fs.stat(f"{root}/a.txt").mode == 0o640
    assert names() == ["a.txt"]


async def test_a_restarted_upload_discards_the_previous_one(
    manager: HDFSContentsManager, read: Read, names: Names
) -> None:
    for chunk, content in ((1, "abandoned"), (2, "too"), (1, "ab"), (-1, "cd")):
        await manager.save(text(content, chunk=chunk), "a.txt")
    assert read("a.txt") == b"abcd"
    assert names() == ["a.txt"]


@pytest.mark.parametrize("chunk", [2, 7, -1])
async def test_a_chunk_without_an_upload_changes_nothing(
    chunk: int, manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    write("a.txt", "before")
    for path in ("a.txt", "new.txt"):  # its upload was aborted, or the server restarted
        message = await refused(400, manager.save(text("late", chunk=chunk), path))
        assert "part 1 of the upload is missing: upload the file again" in message
    assert (read("a.txt"), names()) == (b"before", ["a.txt"])


@pytest.mark.parametrize(
    ("part", "what"),
    [(2, "part 2 of the upload was sent twice"), (4, "part 3 of the upload is missing")],
)
async def test_a_chunk_out_of_order_aborts_the_upload_and_changes_nothing(
    part: int, what: str, manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    write("a.txt", "before")
    for chunk in (1, 2):
        await manager.save(text("new", chunk=chunk), "a.txt")
    message = await refused(400, manager.save(text("not the next", chunk=part), "a.txt"))
    assert f"{what}: upload the file again" in message
    assert "part 1 of" in await refused(400, manager.save(text("end", chunk=-1), "a.txt"))
    assert (read("a.txt"), names()) == (b"before", ["a.txt"])


async def test_each_chunk_has_its_own_format(manager: HDFSContentsManager, read: Read) -> None:
    for chunk, format, content in ((1, "text", "a"), (2, "base64", "Yg=="), (-1, "text", "c")):
        part = {"type": "file", "format": format, "content": content, "chunk": chunk}
        await manager.save(part, "a.txt")
    assert read("a.txt") == b"abc"


def test_an_abandoned_upload_is_aborted(
    fs: FileSystem, root: str, names: Names, wait_until: Callable[..., object]
) -> None:
    uploads = Uploads(fs, abandoned_seconds=0.2)
    uploads.start(f"{root}/a.txt", b"abandoned", None)
    wait_until(lambda: names() == [], 30, "what was uploaded is deleted")
    with pytest.raises(OSError, match="part 1 of the upload is missing"):
        uploads.append(f"{root}/a.txt", 2, b"late")
