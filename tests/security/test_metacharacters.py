"""What a shell would read as its own reaches the server as text, wherever it comes from."""

from __future__ import annotations

from pathlib import Path

from tests.hadoop.hub import Hub


def test_in_the_notebooks_folder_nothing_runs(hub: Hub, tmp_path: Path):
    folder = f"a\"'`touch {tmp_path}/1`$(touch {tmp_path}/2);|&<> b"
    hub.start_server("alice", config=f"c.YarnSpawner.notebook_dir = {folder!r}\n")
    environment = hub.environment_of("alice")
    assert environment["JUPYTERHUB_ROOT_DIR"] == folder
    assert list(tmp_path.glob("[12]")) == []
