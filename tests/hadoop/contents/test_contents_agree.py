"""Whatever people do, files in HDFS are what they would be on a local disk.

Random sequences of operations are done twice: by this manager on HDFS, and by jupyter_server's own
on a local folder. Each operation succeeds with both or fails with both, and the trees are the same
afterwards.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.services.contents.manager import AsyncContentsManager
from tornado.web import HTTPError

from hadoop_client.hdfs.filesystem import FileSystem
from hadoop_client.hdfs.paths import parent
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import notebook, text

NAMES = ["a", "b.txt", "c.ipynb", "ü %2e#?.txt", "d"]

paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
contents = st.sampled_from(["", "short", "ä\n" * 3000])


class Agreement(RuleBasedStateMachine):
    """The two managers, and all that a client may ask of them."""

    fs: FileSystem

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.root = f"/user/alice/agree-{uuid.uuid4().hex}"
        self.hdfs = HDFSContentsManager(root_dir=self.root, delete_to_trash=False)
        self.local = AsyncLargeFileManager(root_dir=self.folder.name, delete_to_trash=False)
        self.local.log = logging.getLogger("local")
        self.local.log.setLevel(logging.CRITICAL + 1)  # it logs a traceback for what it refuses

    def teardown(self) -> None:
        self.fs.delete(self.root, recursive=True)
        self.folder.cleanup()
        self.loop.close()

    def do(self, ask: Callable[[AsyncContentsManager], Awaitable[Any]]) -> None:
        """Ask both, and compare what they say, or that they refuse. The local one lets some errors
        out as they come from the disk."""
        in_hdfs = self._answer(ask(self.hdfs), HTTPError)
        on_disk = self._answer(ask(self.local), (HTTPError, OSError))
        if isinstance(in_hdfs, Exception) or isinstance(on_disk, Exception):
            assert isinstance(in_hdfs, Exception), (in_hdfs, on_disk)
            assert isinstance(on_disk, Exception), (in_hdfs, on_disk)
        else:
            assert _told(in_hdfs) == _told(on_disk)

    def _answer(self, asked: Awaitable[Any], refusals: Any) -> Any:
        async def answer() -> Any:
            try:
                return await asked
            except refusals as error:
                return error

        return self.loop.run_until_complete(answer())

    @rule(path=paths, content=contents)
    def save_file(self, path: str, content: str) -> None:
        self.do(lambda manager: manager.save(text(content), path))

    @rule(path=paths, source=contents)
    def save_notebook(self, path: str, source: str) -> None:
        model = notebook(source)
        self.do(lambda manager: manager.save(deepcopy(model), path))

    @rule(path=paths, parts=st.lists(contents, min_size=2, max_size=4))
    def upload(self, path: str, parts: list[str]) -> None:
        numbers = [*range(1, len(parts)), -1]

        async def send(manager: AsyncContentsManager) -> None:
            for number, part in zip(numbers, parts, strict=True):
                await manager.save(text(part, chunk=number), path)

        self.do(send)

    @rule(path=paths)
    def make_directory(self, path: str) -> None:
        self.do(lambda manager: manager.save({"type": "directory"}, path))

    @rule(old=paths, new=paths)
    def rename(self, old: str, new: str) -> None:
        # Into itself, or to where no directory is, the local one does what shutil happens to do.
        into_itself = f"{new}/".startswith(f"{old}/")
        if not into_itself and (Path(self.folder.name) / parent(new)).is_dir():
            self.do(lambda manager: manager.rename(old, new))

    @rule(path=paths)
    def delete(self, path: str) -> None:
        self.do(lambda manager: manager.delete(path))

    @rule(path=paths)
    def copy(self, path: str) -> None:
        if not self._is_broken_notebook(path):
            self.do(lambda manager: manager.copy(path, parent(path)))

    @rule(path=paths, directory=paths)
    def copy_elsewhere(self, path: str, directory: str) -> None:
        # A directory into itself: the local one copies what it has just copied. Over a file that is
        # there it writes without a word, where this one refuses.
        into_itself = f"{directory}/".startswith(f"{path}/")
        over_a_file = (Path(self.folder.name) / directory).is_file()
        if not (into_itself or over_a_file or self._is_broken_notebook(path)):
            self.do(lambda manager: manager.copy(path, directory))

    def _is_broken_notebook(self, path: str) -> bool:
        """Tell of what the local one can't copy, as it would have to open it."""
        there = Path(self.folder.name) / path
        return path.endswith(".ipynb") and there.is_file() and there.read_bytes()[:1] != b"{"

    @rule(path=paths, type=st.sampled_from(["file", "notebook", "directory"]))
    def make_untitled(self, path: str, type: str) -> None:
        if (Path(self.folder.name) / path).is_dir():
            self.do(lambda manager: manager.new_untitled(path, type=type))

    @rule(path=paths)
    def keep_and_bring_back(self, path: str) -> None:
        async def checkpoint(manager: AsyncContentsManager) -> None:
            if await manager.dir_exists(path):
                return  # the local manager makes one of a directory, or not, by its version
            made = await manager.create_checkpoint(path)
            await manager.save(text("after the checkpoint"), path)
            await manager.restore_checkpoint(made["id"], path)

        self.do(checkpoint)

    @rule(path=paths, type=st.sampled_from([None, "file", "notebook", "directory"]))
    def get(self, path: str, type: str | None) -> None:
        self.do(lambda manager: manager.get(path, type=type))

    @invariant()
    def trees_are_the_same(self) -> None:
        assert self._in_hdfs(self.root) == self._on_disk(Path(self.folder.name))

    def _in_hdfs(self, path: str) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for entry in self.fs.list_dir(path):
            if entry.is_dir:
                tree[entry.name] = self._in_hdfs(entry.path)
            else:
                with self.fs.open_read(entry.path) as file:
                    tree[entry.name] = file.read()
        return _without_checkpoints(tree)

    def _on_disk(self, path: Path) -> dict[str, Any]:
        return _without_checkpoints(
            {
                each.name: self._on_disk(each) if each.is_dir() else each.read_bytes()
                for each in path.iterdir()
            }
        )


def _told(model: Any) -> Any:
    """What both must say alike: all but times, sizes of directories, and what a disk may write."""
    if not isinstance(model, dict):
        return model
    told = {key: model[key] for key in ("name", "path", "type", "format", "mimetype")}
    if model["type"] == "file":
        told |= {key: model[key] for key in ("size", "content")}
    elif model["type"] == "directory" and model["content"] is not None:
        told["content"] = sorted((each["name"], each["type"]) for each in model["content"])
    return told


def _without_checkpoints(tree: dict[str, Any]) -> dict[str, Any]:
    """Leave out what people don't see: who keeps it when is each manager's own affair."""
    return {name: found for name, found in tree.items() if name != ".ipynb_checkpoints"}


@pytest.mark.parametrize(
    "examples",
    [pytest.param(15, id="some"), pytest.param(300, id="many", marks=pytest.mark.heavy)],
)
def test_operations_on_hdfs_do_what_they_do_on_a_local_disk(fs: FileSystem, examples: int) -> None:
    Agreement.fs = fs
    run_state_machine_as_test(
        Agreement,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
