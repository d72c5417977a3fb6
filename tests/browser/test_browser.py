"""A person's days with the hub, in a browser that draws the pages.

Each test is its own; the hub is one for all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from hadoop_client.hdfs.filesystem import FileSystem
from tests.browser import lab
from tests.browser.lab import HOME
from tests.hadoop.hdfs_files import read, session_holds
from tests.hadoop.hub import Hub
from tests.hadoop.yarn_rest import application
from yarnhub.minihadoop import MiniHadoop

pytestmark = [
    pytest.mark.hadoop,
    pytest.mark.usefixtures("nothing_runs"),
]

CODE = """import os
print(f"Hello from {os.environ['HADOOP_USER_NAME']}, data in {os.environ['DATA']}")"""
#: Allocates without end, as fast as the machine can.
BURST = """kept = []
while True:
    kept.append(b"x" * (16 << 20))"""
REASON = "has no jupyterhub-singleuser. Install jupyterlab and jupyterhub in it"
DARK = '[data-jp-theme-name="JupyterLab Dark"]'
LogIn = Callable[..., Page]


def test_a_person_chooses_watches_and_works_and_their_notebook_is_in_hdfs(
    log_in: LogIn, hdfs: FileSystem, pictures: Path
):
    page = log_in("alice")
    page.screenshot(path=pictures / "home.png")
    page.goto("/hub/spawn")
    lab.choose(page, "Your own size", memory="1G", cores="1", data="all")
    page.screenshot(path=pictures / "form.png", full_page=True)
    page.get_by_role("button", name="Start", exact=True).click()
    starting = page.locator("#progress-message", has_text="is starting on node")
    link = starting.get_by_role("link", name="application")
    expect(link).to_be_visible(timeout=lab.START_TIMEOUT_MS)
    page.screenshot(path=pictures / "progress.png")
    lab.wait_for_lab(page)

    notebook = lab.new_notebook(page)
    lab.write_cell(page, notebook, CODE)
    page.keyboard.press("Shift+Enter")
    expect(notebook.locator(".jp-OutputArea-output").first).to_have_text(
        "Hello from alice, data in /data"
    )
    lab.save_as(page, "first.ipynb")
    page.screenshot(path=pictures / "lab.png")
    first = json.loads(read(hdfs, f"{HOME}/first.ipynb"))
    assert "".join(first["cells"][0]["source"]) == CODE
    assert hdfs.stat(f"{HOME}/first.ipynb").owner == "alice"

    lab.menu(page, "File", "Log Out")
    sign_in = page.get_by_role("heading", name="Sign in")
    sign_in.wait_for()
    page.goto("/user/alice/lab")
    sign_in.wait_for()


def test_files_go_up_and_down_and_a_notebook_is_edited_saved_and_renamed(
    log_in: LogIn, hdfs: FileSystem, tmp_path: Path, wait_until: Callable[..., Any]
):
    table, plan = tmp_path / "table.csv", tmp_path / "plan.ipynb"
    table.write_bytes(b"city,people\n\xe5\x8c\x97\xe4\xba\xac,21.8\n" * 1000)
    plan.write_text(json.dumps(lab.PLAN))
    page = log_in("alice")
    page.goto("/hub/spawn")
    lab.choose(page, "Small")
    lab.start(page)
    lab.upload(page, table, plan)
    lab.listed(page, "plan.ipynb").wait_for()
    lab.listed(page, "table.csv").wait_for()
    assert read(hdfs, f"{HOME}/table.csv") == table.read_bytes()
    lab.listed(page, "table.csv").click(button="right")
    with page.expect_download() as download:
        page.locator(".lm-Menu-itemLabel").get_by_text("Download", exact=True).click()
    assert Path(download.value.path()).read_bytes() == table.read_bytes()

    lab.open_file(page, "plan.ipynb")
    notebook = lab.shown_notebook(page)
    lab.write_cell(page, notebook, "print('more')")
    lab.save(page)
    lab.rename(page, "plan.ipynb", "plan-b.ipynb")
    assert not hdfs.exists(f"{HOME}/plan.ipynb")
    saved = json.loads(read(hdfs, f"{HOME}/plan-b.ipynb"))
    assert "print('more')" in "".join(saved["cells"][-1]["source"])
    assert saved["metadata"]["kept"] is True


def test_settings_come_back_on_another_node_and_a_named_server_runs_beside(
    log_in: LogIn,
    hub: Hub,
    hdfs: FileSystem,
    hadoop: MiniHadoop,
    pictures: Path,
    wait_until: Callable[..., Any],
):
    """A node has room for one large server: so it is known which node the next one gets."""
    page = log_in("alice")
    page.goto("/hub/spawn")
    lab.choose(page, "Your own size", memory="4G")
    lab.start(page)
    first = node_of(hub, hadoop, "alice")
    lab.menu(page, "Settings", "Theme", "JupyterLab Dark")
    page.locator(DARK).wait_for(state="attached")
    wait_until(lambda: session_holds(hdfs, "JupyterLab Dark"), 30, "the settings to be saved")

    lab.go_home(page)
    page.get_by_label("server name").fill("second")
    page.get_by_role("button", name="Add New Server").click()
    page.locator("#start-second").click()
    lab.choose(page, "Your own size", memory="4G")
    lab.start(page)
    page.locator(DARK).wait_for(state="attached")
    assert "/user/alice/second/" in page.url
    assert node_of(hub, hadoop, "alice", "second") != first
    lab.go_home(page)
    expect(page.get_by_role("link", name="/user/alice/second/")).to_be_visible()
    page.screenshot(path=pictures / "named-server.png")

    page.get_by_role("button", name="Stop My Server").click()
    page.get_by_role("button", name="Start My Server").wait_for()
    hub.request_server("bob", options={"profile": "custom", "memory": "4G"})
    assert node_of(hub, hadoop, "bob") == first
    page.locator("#stop-second").click()
    page.locator("#start-second").wait_for()
    page.goto("/hub/spawn")
    lab.choose(page, "Your own size", memory="4G")
    lab.start(page)
    page.locator(DARK).wait_for(state="attached")
    page.screenshot(path=pictures / "another-node.png")
    assert node_of(hub, hadoop, "alice") != first


def test_jupyterlab_shows_the_server_and_why_a_kernel_ended(log_in: LogIn, pictures: Path):
    page = log_in("alice")
    page.goto("/hub/spawn")
    lab.choose(page, "Small")
    lab.start(page)
    item = page.locator(".yarnhub-status")
    expect(item).to_have_text(re.compile(r"^\d+ MiB of [\d.]+ GiB · \d+ min left$"))
    item.click()
    panel = page.locator("#yarnhub-server")
    expect(panel).to_contain_text("Small")
    expect(panel).to_contain_text("default")
    expect(panel.locator("pre")).to_contain_text("yarnhub")

    notebook = lab.new_notebook(page)
    lab.save_as(page, "large.ipynb")
    lab.write_cell(page, notebook, BURST)
    page.keyboard.press("Shift+Enter")
    ended = page.locator(".Toastify__toast", has_text="The kernel of large.ipynb was ended")
    expect(ended).to_contain_text("of memory.")
    expect(panel).to_contain_text("start the server with more memory")
    page.get_by_role("dialog").get_by_role("button", name="Ok").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.screenshot(path=pictures / "lab-kernel-ended.png")

    page.reload()
    lab.menu(page, "Help", "Guide to Servers on YARN")
    guide = page.locator(".yarnhub-guide")
    expect(guide.get_by_role("heading", name="Your server on YARN")).to_be_visible()
    page.screenshot(path=pictures / "lab-guide.png")


def test_a_full_queue_names_the_users_own_server_and_stop_stops_the_named_one(
    log_in: LogIn, hub: Hub, pictures: Path
):
    """Servers of alice and bob take both nodes, so that the named one waits until it is stopped."""
    page = log_in("alice")
    whole_node = {"profile": "custom", "memory": "5G"}
    for user in ("alice", "bob"):
        assert hub.request_server(user, options=whole_node)[-1].get("ready")
    lab.go_home(page)
    card = page.get_by_role("region", name="Your server")
    expect(card).to_contain_text("5.1 GiB, 1 core")
    expect(card).to_contain_text("/user/alice/notebooks in HDFS")
    lab.look_at(page, pictures, "card")
    card.get_by_role("link", name="Log", exact=True).click()
    expect(page.locator("body")).to_contain_text("==> stderr of container_")

    page.goto("/hub/spawn/alice/second")
    lab.choose(page, "Your own size", memory="5G")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#progress-message")).to_contain_text("waits for")
    waiting = page.locator("#yarn-waiting")
    expect(waiting).to_contain_text("No other application waits in it.")
    expect(waiting).to_contain_text("Your server has 5.1 GiB of it.")
    expect(waiting.get_by_role("button", name="Choose something else")).to_be_visible()
    lab.look_at(page, pictures, "waiting")
    page.get_by_role("button", name="Stop Server").click()
    expect(page.locator("#start-second")).to_be_visible()
    running = hub.api("GET", "users/alice")["servers"]
    assert [(name, server["ready"]) for name, server in running.items()] == [("", True)]


def node_of(hub: Hub, hadoop: MiniHadoop, user: str, name: str = "") -> str:
    """The NodeManager of a server; all have the same name here, and ports of their own."""
    return application(hadoop, hub.application_of(user, name))["amHostHttpAddress"]


def test_a_failed_start_says_why_on_the_page(log_in: LogIn, pictures: Path):
    page = log_in("alice")
    page.goto("/hub/spawn")
    lab.choose(page, "A bare Python")
    page.get_by_role("button", name="Start", exact=True).click()
    told = page.locator("#progress-message")
    expect(told).to_contain_text(REASON, timeout=lab.START_TIMEOUT_MS)
    lab.look_at(page, pictures, "failed-progress")
    page.goto("/hub/spawn-pending/alice")
    expect(page.get_by_role("heading")).to_have_text("Spawn failed")
    expect(page.get_by_text(REASON)).to_be_visible()
    lab.look_at(page, pictures, "failed")


def test_the_form_fits_the_page_and_says_what_it_refuses(log_in: LogIn, pictures: Path):
    page = log_in("alice")
    page.goto("/hub/spawn")
    page.get_by_role("link", name="Guide").click()
    expect(page.get_by_role("heading", name="Your server on YARN")).to_be_visible()
    lab.look_at(page, pictures, "guide")
    page.goto("/hub/spawn")
    lab.choose(page, "Your own size", memory="64G")
    lab.look_at(page, pictures, "form")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".spawn-error-msg")).to_contain_text("at most 5G is allowed")
    expect(page.get_by_label("Your own size", exact=True)).to_be_checked()
    memory = page.get_by_label("Memory", exact=True)
    expect(memory).to_be_focused()
    expect(memory).to_have_value("64G")
    expect(memory).to_have_attribute("aria-invalid", "true")
    expect(memory).to_have_accessible_description(re.compile("at most 5G is allowed"))
    expect(page.get_by_text("Not available. This cluster has no GPUs.")).to_be_visible()
    lab.look_at(page, pictures, "refused")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("2G")
    page.keyboard.press("Enter")
    page.wait_for_url("**/spawn-pending/**")


def test_a_server_is_asked_for_by_keyboard_alone(log_in: LogIn, hub: Hub):
    page = log_in("alice")
    page.goto("/hub/spawn")
    keys = page.keyboard
    page.get_by_label("Small", exact=True).focus()
    keys.press("ArrowDown")
    expect(page.get_by_label("Your own size", exact=True)).to_be_checked()
    keys.press("Tab")
    expect(page.get_by_label("Queue", exact=True)).to_be_focused()
    keys.press("Tab")
    keys.type("3G")
    keys.press("Tab")
    keys.press("ArrowUp")
    keys.press("Enter")
    page.wait_for_url("**/spawn-pending/**")
    chosen = hub.api("GET", "users/alice")["servers"][""]["user_options"]
    assert (chosen["memory"], chosen["cores"]) == ("3G", "2")


def test_what_is_wrong_in_a_profile_that_was_not_chosen_is_in_nobodys_way(log_in: LogIn, hub: Hub):
    page = log_in("alice")
    page.goto("/hub/spawn")
    lab.choose(page, "Your own size", memory="a lot")
    lab.choose(page, "Small")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/spawn-pending/**")
