"""Two servers, or a server and a program, on one file: no change is lost in silence."""

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
async def test_what_another_server_saved_is_not_replaced_unseen(
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
    told = await manager.get(path, content=False)  # as JupyterLab asks before each save
    assert told["last_modified"] == saved["last_modified"]
    await manager.save(dict(mine), path)


async def test_what_a_program_wrote_is_not_replaced_unseen(
    manager: HDFSContentsManager, write: Write, read: Read, names: Names
) -> None:
    await manager.save(text("mine"), "a.csv")
    write("a.csv", "written by a program")
    await refused(409, manager.save(text("mine again"), "a.csv"))
    await refused(409, manager.save(text("mine again", chunk=1), "a.csv"))
    assert (read("a.csv"), names()) == (b"written by a program", ["a.csv"])


async def test_who_has_read_nothing_may_replace_a_file(
    manager: HDFSContentsManager, write: Write, read: Read
) -> None:
    write("a.csv", "old")
    await manager.save(text("new"), "a.csv")
    write("a.csv", "changed")
    await manager.restore_checkpoint((await manager.create_checkpoint("a.csv"))["id"], "a.csv")
    await manager.save(text("new"), "a.csv")
    assert read("a.csv") == b"new"


async def test_of_many_servers_that_save_a_file_at_once_one_wins_and_the_others_are_told(
    make_manager: MakeManager, write: Write, read: Read, names: Names
) -> None:
    write("a", "old")
    managers = [make_manager() for _ in range(4)]
    for round in range(5):
        contents = [f"{number} in round {round}" for number in range(4)]
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


def answer_is_ok(answer: object) -> bool:
    if isinstance(answer, BaseException):
        assert isinstance(answer, HTTPError)
        assert answer.status_code == 409
        return False
    return True


async def test_of_two_who_make_a_file_at_once_the_second_is_told(
    manager: HDFSContentsManager, other: HDFSContentsManager, read: Read, names: Names
) -> None:
    contents = [str(number) * 100_000 for number in range(2)]
    both_looked = threading.Barrier(2)
    filesystem = manager.store.fs

    class LooksTogether:
        def __getattr__(self, name: str) -> Any:
            return getattr(filesystem, name)

        def open_write(self, *args: Any, **more: Any) -> Any:
            both_looked.wait(30)
            return filesystem.open_write(*args, **more)

    manager.store.fs = other.store.fs = LooksTogether()
    answers = await asyncio.gather(
        *(each.save(text(new), "a") for each, new in zip((manager, other), contents, strict=True)),
        return_exceptions=True,
    )
    won = [new for new, answer in zip(contents, answers, strict=True) if answer_is_ok(answer)]
    assert [read("a").decode()] == won
    assert names() == ["a"]


async def test_a_change_while_a_file_is_being_saved_is_found(
    manager: HDFSContentsManager, fs: FileSystem, write: Write, read: Read, names: Names
) -> None:
    write("a", "old")

    class SlowToOpen:
        def __getattr__(self, name: str) -> Any:
            return getattr(fs, name)

        def open_write(self, *args: Any, **more: Any) -> Any:
            write("a", "somebody else was quicker")
            return fs.open_write(*args, **more)

    manager.store.fs = SlowToOpen()
    assert "has changed it" in await refused(409, manager.save(text("new"), "a"))
    assert (read("a"), names()) == (b"somebody else was quicker", ["a"])


async def test_a_server_that_died_while_it_replaced_a_file_holds_it_up_for_a_minute_only(
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
    monkeypatch.setattr(atomic, "_TURN_WAITS", (0.01,))
    assert "somebody else is saving it" in await refused(409, manager.save(text("new"), "a"))
    assert read("a") == b"old"
    monkeypatch.setattr(atomic, "_TURN_WAITS", (0.01, 0.01))
    monkeypatch.setattr(atomic, "_TURN_DEAD_MS", -1)
    await manager.save(text("new"), "a")
    assert (read("a"), names()) == (b"new", ["a"])


async def test_a_person_who_saves_twice_in_a_row_is_not_told_of_their_own_save(
    manager: HDFSContentsManager, read: Read
) -> None:
    await manager.save(text("first"), "a")
    await asyncio.gather(*(manager.save(text(f"{n}"), "a") for n in range(5)))
    assert read("a").decode() in "01234"
