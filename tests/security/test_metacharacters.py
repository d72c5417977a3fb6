"""What a shell would read as its own reaches the server as text, wherever it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_in_the_notebooks_folder_nothing_runs(make_hub: Any, tmp_path: Path):
    folder = f"a\"'`touch {tmp_path}/1`$(touch {tmp_path}/2);|&<> b"
    hub = make_hub(f"c.YarnSpawner.notebook_dir = {folder!r}\n")
    hub.start_server("alice")
    environment = hub.get("/user/alice/environment").json()["environment"]
    assert environment["JUPYTERHUB_ROOT_DIR"] == folder
    assert list(tmp_path.glob("[12]")) == []
