"""A hub with profiles for the whole file, and Debian's Chromium that looks at it.

Pictures of the pages are kept in the folder that YARNHUB_SCREENSHOTS names, else in pytest's own;
those of docs/images/ were made so. After a failed test a picture of each open page is there too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from hadoop_client.hdfs.filesystem import FileSystem, open_filesystem
from tests.browser.lab import ACTION_TIMEOUT_MS, CULLER_TOKEN, HOME
from tests.hadoop.env_tools import open_hdfs
from tests.hadoop.hub import Hub
from yarnhub.minihadoop import MiniHadoop

CONFIG = """
del c.YarnSpawner.cmd
c.YarnSpawner.args = [
    "--allow-root",
    "--SessionState.save_interval=1",
    "--HDFSContentsManager.shared_dirs=team=/data/team",
]
c.YarnSpawner.lifetime = 3600

def limit(spawner):
    spawner.max_lifetime = 7200 if spawner.user.name == "bob" else None

c.YarnSpawner.pre_spawn_hook = limit
c.YarnSpawner.memory_margin = 0.25
c.YarnSpawner.contents_manager = "hdfs_contents.HDFSContentsManager"
c.YarnSpawner.profiles = [
    {{"name": "small", "display_name": "Small", "memory": "1G", "cores": 1,
     "description": "1 GiB and one core, enough to look at a table."}},
    {{"name": "custom", "display_name": "Your own size",
     "description": "Choose the queue, memory, cores and data.",
     "queue": {{"choices": {{"default": "All users", "research": "Research"}}}},
     "memory": {{"min": "1G", "max": "5G", "default": "2G"}}, "cores": {{"max": 4}},
     "options": {{"data": {{"label": "Data", "choices": {{
         "sample": {{"label": "A sample", "env": {{"DATA": "/data/sample"}}}},
         "all": {{"label": "All data", "env": {{"DATA": "/data"}}}}}}}}}}}},
    {{"name": "bare", "display_name": "A bare Python", "environment": {bare!r},
     "description": "An environment without JupyterLab."}},
    {{"name": "gpu", "display_name": "With a GPU", "gpus": 1}},
]
c.YarnSpawner.cluster_links = True
c.Authenticator.admin_users = {{"root"}}
c.JupyterHub.services.append({{"name": "idle-culler", "api_token": {culler!r}}})
c.JupyterHub.load_roles.append(
    {{"name": "culler", "services": ["idle-culler"],
     "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"]}}
)
"""


@pytest.fixture(scope="module")
def chromium() -> str:
    """The browser's program."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no browser here (Debian: apt install chromium)")
    return program


@pytest.fixture(scope="module")
def hub(
    chromium: str, hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    open_hdfs(hadoop).mkdirs("/data/team", 0o777)
    folder = tmp_path_factory.mktemp("hub")
    bare = folder / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    hub = Hub(folder, hadoop.env(), CONFIG.format(bare=str(bare), culler=CULLER_TOKEN))
    try:
        hub.start()
        yield hub
        for user in hub.api("GET", "users?state=active"):
            for name in user["servers"]:
                hub.stop_server(user["name"], name)
    finally:
        hub.stop()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    nothing_else = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    expect.set_options(timeout=ACTION_TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", nothing_else]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pictures."""
    named = os.environ.get("YARNHUB_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def log_in(
    browser: Browser, hub: Hub, pictures: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Page]]:
    """`log_in(user)`: a page in a browser of their own, at the hub's home or at their server."""
    contexts: list[BrowserContext] = []

    def log_in(user: str) -> Page:
        context = browser.new_context(
            base_url=hub.url,
            viewport={"width": 1100, "height": 760},
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(ACTION_TIMEOUT_MS)
        page = context.new_page()
        page.goto("/hub/login")
        page.get_by_label("Username").fill(user)
        page.get_by_label("Password:").fill("any")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/hub/login" not in url, wait_until="commit")
        return page

    yield log_in
    failed = request.node.stash.get(FAILED, False)
    pages = [page for context in contexts for page in context.pages]
    for number, page in enumerate(pages if failed else []):
        page.screenshot(path=pictures / f"failed-{request.node.name}-{number}.png")
    for context in contexts:
        context.close()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.failed:
        item.stash[FAILED] = True
        if "pictures" in item.funcargs:
            report.sections.append(("pictures of the pages", str(item.funcargs["pictures"])))
    return report


@pytest.fixture
def hdfs(hub: Hub, hadoop: MiniHadoop, monkeypatch: pytest.MonkeyPatch) -> FileSystem:
    """HDFS as alice, without what an earlier test has left there."""
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hadoop.conf_dir))
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")
    filesystem = open_filesystem()
    for left in (HOME, "/user/alice/.yarnhub"):
        if filesystem.exists(left):
            filesystem.delete(left, recursive=True)
    return filesystem


@pytest.fixture
def nothing_runs(hub: Hub) -> Iterator[None]:
    """Stop all servers after the test."""
    yield
    for user in hub.api("GET", "users?state=active"):
        for name in user["servers"]:
            hub.stop_server(user["name"], name)
