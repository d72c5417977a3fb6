"""The contents manager as jupyter_server uses it: trust, events, threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from nbformat.v4 import new_output
from tornado.web import HTTPError

from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import notebook, refused, text


async def test_a_notebook_is_trusted_when_it_was_signed(manager: HDFSContentsManager) -> None:
    model = notebook("1")
    output = new_output("display_data", {"text/html": "<script>1</script>"})
    model["content"]["cells"][0]["outputs"].append(output)
    await manager.save(model, "a.ipynb")

    async def trusted() -> bool:
        cell = (await manager.get("a.ipynb"))["content"]["cells"][0]
        return bool(cell["metadata"]["trusted"])

    assert not await trusted()
    await manager.trust_notebook("a.ipynb")
    assert await trusted()


async def test_each_action_emits_a_valid_event(
    manager: HDFSContentsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[dict[str, str]] = []
    emit = manager.emit

    def keep(data: dict[str, str]) -> None:
        emit(data)  # checks it against the schema
        events.append(data)

    monkeypatch.setattr(manager, "emit", keep)
    await manager.save(text("1"), "a")
    await manager.rename("a", "b")
    await manager.copy("b")
    await manager.delete("b")
    assert [event["action"] for event in events if event["action"] != "get"] == [
        *("save", "rename", "copy", "delete")
    ]


@pytest.mark.parametrize(
    ("path", "kind"), [("d", "dir"), ("d/a", "file"), ("d/b", ""), ("b", ""), ("d/a/b", "")]
)
async def test_questions_have_answers_with_and_without_await(
    manager: HDFSContentsManager, path: str, kind: str
) -> None:
    await manager.save({"type": "directory"}, "d")
    await manager.save(text("1"), "d/a")
    # Jupytext and voila do not await them. A coroutine would be true whatever the answer is.
    answers = (manager.exists(path), manager.file_exists(path), manager.dir_exists(path))
    expected = (kind != "", kind == "file", kind == "dir")
    assert tuple(map(bool, answers)) == expected
    assert tuple([await answer for answer in answers]) == expected


async def test_hidden_paths_are_known_with_and_without_await(manager: HDFSContentsManager) -> None:
    for path, hidden in {".d/a": True, "d/a": False}.items():
        assert bool(manager.is_hidden(path)) is hidden
        assert await manager.is_hidden(path) is hidden
    assert "colon" in await refused(400, manager.exists("a:b"))
    with pytest.raises(HTTPError, match="colon"):
        bool(manager.exists("a:b"))


async def test_a_kernel_starts_in_the_servers_own_directory(manager: HDFSContentsManager) -> None:
    assert await manager.get_kernel_path("d/a.ipynb") == ""


async def test_notebooks_are_signed_and_checked_outside_the_event_loop(
    manager: HDFSContentsManager,
) -> None:
    threads: set[str] = set()
    check_and_sign, mark = manager.check_and_sign, manager.mark_trusted_cells

    def note(function: Callable[..., None]) -> Callable[..., None]:
        def noted(*args: Any, **kwargs: Any) -> None:
            threads.add(threading.current_thread().name)
            function(*args, **kwargs)

        return noted

    manager.check_and_sign = note(check_and_sign)
    manager.mark_trusted_cells = note(mark)
    await manager.save(notebook("1"), "a.ipynb")
    await manager.get("a.ipynb")
    assert threads
    assert threading.main_thread().name not in threads
