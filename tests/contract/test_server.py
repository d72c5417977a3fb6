"""A notebook server's main round, as a browser has it, on each file system."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hadoop_client.hdfs.filesystem import FileSystem, Kind
from tests.hadoop.contents.notebook_server import MANAGER, command, environment, put, running
from tests.unit.hdfs_contents.manager.models import notebook, text
from yarnhub.minihadoop import MiniHadoop


def test_notebooks_and_files_live_through_a_servers_main_round(
    kind: Kind,
    fs: FileSystem,
    hadoop: MiniHadoop,
    tmp_path: Path,
    wait_until: Callable[..., Any],
) -> None:
    root = f"/user/alice/round-{uuid.uuid4().hex}"
    option = f"--HDFSContentsManager.filesystem_kind={kind}"
    with running(hadoop, tmp_path, wait_until, MANAGER, root, option) as server:
        # Save, save again, and go back.
        for source in ("first", "second"):
            assert put(server, "a.ipynb", notebook(source)).is_success
        (checkpoint,) = server.get("/api/contents/a.ipynb/checkpoints").json()
        at = f"/api/contents/a.ipynb/checkpoints/{checkpoint['id']}"
        assert server.post(at).status_code == 204
        loaded = server.get("/api/contents/a.ipynb").json()
        assert loaded["content"]["cells"][0]["source"] == "first"

        # Upload in parts, download all and a part.
        for chunk, content in ((1, "12" * 500_000), (2, "34"), (-1, "56")):
            assert put(server, "up.txt", text(content, chunk=chunk)).is_success
        assert server.get("/files/up.txt").text == "12" * 500_000 + "3456"
        part = server.get("/files/up.txt", headers={"Range": "bytes=999999-1000002"})
        assert (part.status_code, part.text) == (206, "2345")

        # Copy, rename, list, delete.
        copied = server.post("/api/contents/", json={"copy_from": "up.txt"}).json()
        renamed = server.patch(f"/api/contents/{copied['path']}", json={"path": "ü 😀.txt"})
        assert renamed.is_success
        listed = {entry["name"] for entry in server.get("/api/contents/").json()["content"]}
        assert listed == {"a.ipynb", "up.txt", "ü 😀.txt"}
        assert server.get("/files/ü 😀.txt").text.endswith("3456")
        for name in listed:
            assert server.delete(f"/api/contents/{name}").status_code == 204
        assert server.get("/api/contents/a.ipynb").status_code == 404
        assert server.get("/api/contents/").json()["content"] == []
    fs.delete(root, recursive=True)


def test_a_server_says_in_one_line_that_libhdfs_is_missing(
    hadoop: MiniHadoop, tmp_path: Path
) -> None:
    missing = {"ARROW_LIBHDFS_DIR": str(tmp_path), "LD_LIBRARY_PATH": ""}
    done = subprocess.run(
        command(tmp_path, "--HDFSContentsManager.filesystem_kind=libhdfs"),
        env={**environment(hadoop, tmp_path, "alice"), **missing},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode != 0
    assert 'filesystem_kind = "libhdfs": libhdfs cannot be used' in done.stderr
    assert "Traceback" not in done.stderr
