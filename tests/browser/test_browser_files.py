"""What a user does with files in JupyterLab, beyond opening and saving them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hadoop_client.hdfs.atomic import write_file
from hadoop_client.hdfs.filesystem import FileSystem
from tests.browser import lab
from tests.browser.lab import HOME
from tests.hadoop.env_tools import open_hdfs
from tests.hadoop.hdfs_files import read
from yarnhub.minihadoop import MiniHadoop

pytestmark = [
    pytest.mark.hadoop,
    pytest.mark.heavy,
    pytest.mark.usefixtures("nothing_runs"),
]


def put(fs: FileSystem, path: str, content: bytes) -> None:
    # At no time is there no file: JupyterLab looks now and then.
    write_file(fs, path, [content], replaces=fs.stat(path) if fs.exists(path) else None)


def test_an_upload_overwrites_a_checkpoint_comes_back_and_a_shared_directory_is_opened(
    log_in: Callable[..., Page], hdfs: FileSystem, hadoop: MiniHadoop, tmp_path: Path
) -> None:
    page = log_in("alice")
    page.goto("/hub/spawn")
    lab.choose(page, "Small")
    lab.start(page)

    # A file that was opened here, and that another program has written anew since then.
    table, plan = tmp_path / "table.csv", tmp_path / "plan.ipynb"
    table.write_bytes(b"a,b\n1,2\n")
    plan.write_text(json.dumps(lab.PLAN))
    lab.upload(page, table, plan)
    lab.open_file(page, "table.csv")
    expect(page.locator(".jp-CSVViewer")).to_be_visible()
    put(hdfs, f"{HOME}/table.csv", b"by another program\n")
    table.write_bytes(b"a,b\n3,4\n5,6\n")
    lab.upload(page, table)
    with page.expect_response(
        lambda response: response.request.method == "PUT" and "table.csv" in response.url
    ) as response:
        page.get_by_role("button", name="Overwrite Existing File").click()
    assert response.value.ok
    assert read(hdfs, f"{HOME}/table.csv") == table.read_bytes()

    lab.open_file(page, "plan.ipynb")
    notebook = lab.shown_notebook(page)
    lab.write_cell(page, notebook, "print('kept')")
    lab.save(page)
    lab.write_cell(page, notebook, " # lost")
    expect(notebook).to_contain_text("lost")
    lab.menu(page, "File", "Revert Notebook to Checkpoint…")
    page.get_by_role("button", name="Revert to Checkpoint").click()
    expect(notebook).not_to_contain_text("lost")
    expect(notebook).to_contain_text("print('kept')")
    assert b"lost" not in read(hdfs, f"{HOME}/plan.ipynb")

    put(open_hdfs(hadoop), "/data/team/theirs.txt", b"of another user\n")
    lab.open_file(page, "team")
    lab.open_file(page, "theirs.txt")
    expect(page.locator(".jp-FileEditor")).to_contain_text("of another user")
