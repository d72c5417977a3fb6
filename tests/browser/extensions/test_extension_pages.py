"""What users see of the extensions of docs/extensions.md in JupyterLab."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from hadoop_client.hdfs.filesystem import FileSystem, open_filesystem
from tests.browser import lab
from tests.hadoop.hdfs_files import open_anew, read
from tests.hadoop.hub import Hub
from yarnhub.minihadoop import MiniHadoop

pytestmark = [pytest.mark.hadoop, pytest.mark.heavy, pytest.mark.timeout(1200)]

NOTEBOOKS = "/user/alice/notebooks"
#: Where SQLite keeps a transaction of the history of documents until it is complete.
JOURNAL = f"{NOTEBOOKS}/.jupyter_ystore.db-journal"
LogIn = Callable[[str], Page]


@pytest.fixture
def hdfs(hub: Hub, hadoop: MiniHadoop, monkeypatch: pytest.MonkeyPatch) -> FileSystem:
    """HDFS as alice."""
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hadoop.conf_dir))
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")
    return open_filesystem()


def open_lab(page: Page, workspace: str, path: str = "") -> Page:
    """Open JupyterLab in a workspace of its own, with a file if one is given."""
    # What JupyterLab asks about a document if the machine is busy.
    page.add_locator_handler(page.get_by_role("button", name="Continue waiting"), Locator.click)
    page.goto(f"/user/alice/lab/workspaces/{workspace}{f'/tree/{path}' if path else ''}?reset")
    page.locator("#jp-main-dock-panel").wait_for(timeout=lab.START_TIMEOUT_MS)
    return page


def editor(page: Page) -> Locator:
    """The text of the open file."""
    return page.locator(".jp-FileEditor .cm-content")


def append(page: Page, text: str) -> None:
    editor(page).click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def test_browsers_and_code_edit_one_text_and_the_next_server_saves_it(
    log_in: LogIn,
    hub: Hub,
    hadoop: MiniHadoop,
    hdfs: FileSystem,
    node_of: Callable[..., Any],
    wait_until: Callable[..., Any],
):
    node = node_of(hub.start_server("alice"))
    path = f"{NOTEBOOKS}/shared.txt"
    with open_anew(hdfs, path) as file:
        file.write(b"first\n")
    first, second = (open_lab(log_in("alice"), name, "shared.txt") for name in ("one", "two"))
    for page in (first, second):
        expect(editor(page)).to_contain_text("first")
    with open_anew(hdfs, path) as file:
        file.write(b"from outside\n")
    for page in (first, second):
        expect(editor(page)).to_contain_text("from outside")
    append(first, "typed\n")
    expect(editor(second)).to_contain_text("typed")
    wait_until(lambda: read(hdfs, path) == b"from outside\ntyped\n", 30, "the saved text")
    wait_until(lambda: not hdfs.exists(JOURNAL), 30, "the saved history")
    hub.stop_server("alice")
    # JupyterLab asks whether to start the server again. Until that is answered, it takes the keys.
    first.get_by_role("button", name="Dismiss").click(timeout=lab.START_TIMEOUT_MS)
    append(first, "while no server runs\n")
    expect(editor(first)).to_contain_text("while no server runs")
    node.stop()
    try:
        assert node_of(hub.start_server("alice")) is not node
        open_lab(first.context.new_page(), "other")  # logs the browser in to the new server
        text = b"from outside\ntyped\nwhile no server runs\n"
        wait_until(lambda: read(hdfs, path) == text, 60, "the text in HDFS")
        hub.stop_server("alice")
    finally:
        node.start()
        hadoop.wait_ready()


def test_a_link_of_the_hub_pulls_a_repository_into_hdfs(
    log_in: LogIn, hub: Hub, hdfs: FileSystem, tmp_path: Path, wait_until: Callable[..., Any]
):
    hub.start_server("alice")
    repository = tmp_path / "course"
    git = ["git", "-C", str(repository), "-c", "user.name=bob", "-c", "user.email=bob@localhost"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    (repository / "lesson.txt").write_text("the first lesson\n")
    for command in (["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True)
    page = log_in("alice")
    opened = "urlpath=lab/workspaces/course/tree/course/lesson.txt"
    page.goto(f"/hub/user-redirect/git-pull?repo=file://{repository}&branch=main&{opened}")
    expect(editor(page)).to_contain_text("the first lesson", timeout=lab.START_TIMEOUT_MS)
    assert read(hdfs, f"{NOTEBOOKS}/course/lesson.txt") == b"the first lesson\n"
