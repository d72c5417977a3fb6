"""Two servers, or a server and a program, on one file: no change is lost silently."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from tornado.web import HTTPError

from hadoop_client.hdfs import atomic
from hadoop_client.hdfs.filesystem import FileSystem
from hadoop_client.hdfs.paths import lock_path
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import (
    MakeManager,
    Names,
    Read,
    Write,
    notebook,
    refused,
    text,
)


@pytest.fixture
def other(make_manager: MakeManager) -> HDFSContentsManager:
    """Another server of the same user on the same files."""
    return make_manager()


@pytest.mark.parametrize(
    ("path", "mine", "theirs"),
    [("a.ipynb", notebook("mine"), notebook("theirs")), ("a.txt", text("mine"), text("theirs"))],
    ids=["notebook", "file"],
)
async def test_a_file_that_another_server_saved_is_not_replaced(
    path: str,
    mine: dict[str, Any],
    theirs: dict[str, Any],
    manager: HDFSContentsManager,
    other: HDFSContentsManager,
) -> None:
    await manager.save(dict(mine), path)
    await other.get(path)
    saved = await other.save(dict(theirs), path)
    message = await refused(409, manager.save(dict(mine), path))
    assert "alice has changed it since it was opened here" in message
    current = await manager.get(path, content=False)  # as JupyterLab asks before each save
    assert current["last_modified"] == saved["last_modified"]
    await manager.save(dict(mine), path)


async def test_a_file_that_a_program_wrote_is_not_replaced(
    manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    await manager.save(text("mine"), "a.csv")
    write("a.csv", "written by a program")
    await refused(409, manager.save(text("mine again"), "a.csv"))
    await refused(409, manager.save(text("mine again", chunk=1), "a.csv"))
    assert (read("a.csv"), names()) == (b"written by a program", ["a.csv"])


async def test_a_client_that_has_not_read_a_file_may_replace_it(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    write("a.csv", "old")
    await manager.save(text("new"), "a.csv")
    write("a.csv", "changed")
    await manager.restore_checkpoint((await manager.create_checkpoint("a.csv"))["id"], "a.csv")
    await manager.save(text("new"), "a.csv")
    assert read("a.csv") == b"new"


async def test_one_of_many_concurrent_saves_wins_and_the_others_get_an_error(
    make_manager: MakeManager, write: Write, read: Read, names: Names
) -> None:
    write("a", "old")
    managers = [make_manager() for _ in range(4)]
    for round in range(5):
        # Longer than those of the round before: two versions of a moment differ by their sizes.
        contents = [f"{number} in round {round}" + "!" * round for number in range(4)]
        await asyncio.gather(*(manager.get("a") for manager in managers))
        answers = await asyncio.gather(
            *(
                manager.save(text(new), "a")
                for manager, new in zip(managers, contents, strict=True)
            ),
            return_exceptions=True,
        )
        won = [new for new, answer in zip(contents, answers, strict=True) if answer_is_ok(answer)]
        assert [read("a").decode()] == won
    assert names() == ["a"]


@pytest.mark.parametrize("upload", [{"format": "base64", "content": "bmV3"}, {"chunk": 1}])
async def test_an_upload_replaces_the_version_that_was_listed_and_no_newer_one(
    upload: dict[str, object], manager: HDFSContentsManager, write: Write
) -> None:
    """JupyterLab lists the directory, asks whether to replace the file, and sends it."""
    write("a.csv", "old")
    await manager.get("a.csv")
    write("a.csv", "by a program")
    await manager.get("")
    await refused(409, manager.save(text("edited"), "a.csv"))
    await manager.save(text("new") | upload, "a.csv")
    await manager.get("a.csv")
    write("a.csv", "by a program")
    await manager.get("")
    write("a.csv", "by a program again")
    await refused(409, manager.save(text("new") | upload, "a.csv"))


async def test_a_file_that_was_deleted_or_moved_here_is_forgotten(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    write("d/a", "old")
    write("d/b", "old")
    for path in ("d/a", "d/b"):
        await manager.get(path)
    await manager.delete("d/a")
    await manager.rename("d", "e")
    for path in ("d/a", "d/b"):
        write(path, "by a program")
        await manager.save(text("new"), path)
        assert read(path) == b"new"


async def test_a_file_that_was_renamed_here_stays_protected(
    manager: HDFSContentsManager, write: Write
) -> None:
    write("d/a", "old")
    await manager.get("d/a")
    await manager.rename("d", "e")
    await manager.rename("e/a", "e/b")
    write("e/b", "by a program")
    await refused(409, manager.save(text("mine"), "e/b"))


def answer_is_ok(answer: object) -> bool:
    if isinstance(answer, BaseException):
        assert isinstance(answer, HTTPError)
        assert answer.status_code == 409
        return False
    return True


async def test_the_second_of_two_concurrent_creations_gets_an_error(
    manager: HDFSContentsManager, other: HDFSContentsManager, read: Read, names: Names
) -> None:
    contents = [str(number) * 100_000 for number in range(2)]
    both_looked = threading.Barrier(2)
    filesystem = manager.store.fs

    class LooksTogether:
        def __getattr__(self, name: str) -> Any:
            return getattr(filesystem, name)

        def open_write(self, *args: Any, **more: Any) -> Any:
            both_looked.wait(60)
            return filesystem.open_write(*args, **more)

    manager.store.fs = other.store.fs = LooksTogether()
    answers = await asyncio.gather(
        *(
            server.save(text(new), "a")
            for server, new in zip((manager, other), contents, strict=True)
        ),
        return_exceptions=True,
    )
    won = [new for new, answer in zip(contents, answers, strict=True) if answer_is_ok(answer)]
    assert [read("a").decode()] == won
    assert names() == ["a"]


async def test_a_change_during_a_save_is_detected(
    manager: HDFSContentsManager, fs: FileSystem, write: Write, read: Read, names: Names
) -> None:
    write("a", "old")

    class SlowToOpen:
        def __getattr__(self, name: str) -> Any:
            return getattr(fs, name)

        def open_write(self, *args: Any, **more: Any) -> Any:
            write("a", "another client was quicker")
            return fs.open_write(*args, **more)

    manager.store.fs = SlowToOpen()
    assert "has changed it" in await refused(409, manager.save(text("new"), "a"))
    assert (read("a"), names()) == (b"another client was quicker", ["a"])


async def test_the_lock_of_a_dead_server_expires_after_a_minute(
    manager: HDFSContentsManager,
    fs: FileSystem,
    root: str,
    write: Write,
    read: Read,
    names: Names,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("a", "old")
    write(lock_path(f"{root}/a").rsplit("/", 1)[-1], "of the one who died")
    monkeypatch.setattr(atomic, "_LOCK_WAITS", (0.01,))
    assert "another client is saving it" in await refused(409, manager.save(text("new"), "a"))
    assert read("a") == b"old"
    monkeypatch.setattr(atomic, "_LOCK_WAITS", (0.01, 0.01))
    monkeypatch.setattr(atomic, "_STALE_LOCK_MS", -1)
    await manager.save(text("new"), "a")
    assert (read("a"), names()) == (b"new", ["a"])


async def test_two_saves_in_a_row_do_not_conflict(manager: HDFSContentsManager, read: Read) -> None:
    await manager.save(text("first"), "a")
    await asyncio.gather(*(manager.save(text(f"{n}"), "a") for n in range(5)))
    assert read("a").decode() in "01234"
