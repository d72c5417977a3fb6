"""A notebook server whose HDFS is a pair of NameNodes: it goes on when the other one takes over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.build_libhdfs import CannotBuild, libhdfs_folder
from tests.hadoop.contents.notebook_server import MANAGER, put, running
from tests.unit.hdfs_contents.manager.models import notebook, text
from yarnhub.minihadoop import MiniHadoop


@pytest.fixture(scope="module")
def pair() -> Iterator[MiniHadoop]:
    with MiniHadoop(ha=True, datanodes=1, users=("alice",)) as cluster:
        yield cluster


@pytest.fixture(scope="module", params=["native", pytest.param("libhdfs", marks=pytest.mark.heavy)])
def server(
    request: pytest.FixtureRequest,
    pair: MiniHadoop,
    tmp_path_factory: pytest.TempPathFactory,
    wait_until: Callable[..., Any],
) -> Iterator[httpx.Client]:
    """A client of a notebook server, on each file system."""
    option = f"--HDFSContentsManager.filesystem_kind={request.param}"
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "libhdfs":
            patch.setenv("ARROW_LIBHDFS_DIR", str(libhdfs(pair)))
        folder = tmp_path_factory.mktemp("server")
        with running(pair, folder, wait_until, MANAGER, "", option) as client:
            yield client


def libhdfs(pair: MiniHadoop) -> Path:
    pytest.importorskip("pyarrow")
    try:
        return libhdfs_folder(Path(pair.env()["JAVA_HOME"]))
    except CannotBuild as error:
        pytest.skip(f"libhdfs is not tested: {error}")


@pytest.fixture(autouse=True)
def first_is_active(pair: MiniHadoop) -> None:
    """Both NameNodes run at the beginning of each test, and the first one is active."""
    for daemon in pair.namenodes:
        if not daemon.is_running:
            daemon.start()
    pair.wait_ready()
    pair.make_namenode_active(0)


def test_all_that_a_server_does_goes_on_with_the_other_one(
    pair: MiniHadoop, server: httpx.Client
) -> None:
    assert put(server, "a.ipynb", notebook("before")).is_success
    for index, source in ((1, "second"), (0, "first")):
        pair.make_namenode_active(index)
        assert server.get("/api/contents/a.ipynb").is_success
        assert put(server, "a.ipynb", notebook(source)).is_success
        assert server.post("/api/contents/a.ipynb/checkpoints").status_code == 201
        loaded = server.get("/api/contents/a.ipynb").json()
        assert loaded["content"]["cells"][0]["source"] == source
        moved = server.patch("/api/contents/a.ipynb", json={"path": f"{source}.ipynb"})
        assert moved.is_success
        assert server.get(f"/files/{source}.ipynb").is_success
        assert server.patch(f"/api/contents/{source}.ipynb", json={"path": "a.ipynb"}).is_success
    assert server.delete("/api/contents/a.ipynb").status_code == 204


def test_while_nobody_is_active_the_answer_is_503_and_nothing_is_lost(
    pair: MiniHadoop, server: httpx.Client, wait_until: Callable[..., Any]
) -> None:
    assert put(server, "a.txt", text("old")).is_success
    pair.namenode.kill()
    for answer in (server.get("/api/contents/a.txt"), put(server, "a.txt", text("new"))):
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert "\n" not in answer.json()["message"]
    pair.make_namenode_active(1)
    loaded = wait_until(lambda: found(server, "a.txt"), 30, "the other NameNode is asked")
    assert loaded["content"] == "old"
    assert put(server, "a.txt", text("new")).is_success

    # The one that was killed has missed that, and takes over again.
    pair.namenode.start()
    pair.wait_ready()
    pair.make_namenode_active(0)
    loaded = wait_until(lambda: found(server, "a.txt"), 30, "the first NameNode is asked")
    assert loaded["content"] == "new"


def found(server: httpx.Client, path: str) -> dict[str, Any] | None:
    answer = server.get(f"/api/contents/{path}")
    assert answer.status_code in (200, 503), answer.text
    return answer.json() if answer.is_success else None


def test_a_save_during_a_failover_is_all_of_it_or_none(
    pair: MiniHadoop, server: httpx.Client, wait_until: Callable[..., Any]
) -> None:
    saves: list[tuple[str, int]] = []
    enough = threading.Event()

    def save_again_and_again() -> None:
        for number in range(100_000):
            content = f"{number} " * 100_000
            saves.append((content, put(server, "s.txt", text(content)).status_code))
            if saves[-1][1] == 409:
                server.get("/api/contents/s.txt?content=0")  # as JupyterLab does before each save
            if enough.is_set():
                return

    def saved() -> int:
        return sum(status in (200, 201) for _, status in saves)

    saver = threading.Thread(target=save_again_and_again)
    saver.start()
    try:
        wait_until(lambda: saved() > 2, 30, "some saves")
        pair.namenode.kill()
        before = len(saves)
        pair.make_namenode_active(1)
        wait_until(
            # Whoever got no answer to the last step may hold up the others for a minute.
            lambda: any(status == 200 for _, status in saves[before + 1 :]),
            90,
            "saves after it",
        )
    finally:
        enough.set()
        saver.join()
    statuses = [status for _, status in saves]
    assert set(statuses) <= {200, 201, 409, 503}, statuses
    # Nobody else has saved it: it changed by a save whose answer got lost.
    assert 409 not in statuses or statuses.index(503) < statuses.index(409), statuses
    loaded = server.get("/api/contents/s.txt").json()["content"]
    assert loaded == next(content for content, status in reversed(saves) if status == 200)
    listed = server.get("/api/contents/").json()["content"]
    assert [entry["name"] for entry in listed if entry["name"].startswith("s")] == ["s.txt"]
