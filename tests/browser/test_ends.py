"""A server that ends soon, and servers that have ended: what their user sees.

One hub is there for all tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import lab
from tests.hadoop.hub import Hub, culling
from tests.hadoop.yarn_rest import application, end_application, end_lifetime_in
from yarnhub.minihadoop import MiniHadoop

pytestmark = [
    pytest.mark.hadoop,
    pytest.mark.heavy,
    pytest.mark.usefixtures("nothing_runs"),
]

LogIn = Callable[..., Page]


def test_a_user_is_warned_of_the_end_and_keeps_the_server_running(
    log_in: LogIn, hub: Hub, hadoop: MiniHadoop, pictures: Path
):
    """Only bob may do that. His server's end comes near before the page is opened."""
    assert hub.request_server("bob", options={"profile": "small"})[-1].get("ready")
    application_id = hub.application_of("bob")
    assert end_lifetime_in(600, hadoop, application_id, "bob")
    page = log_in("bob")
    page.goto("/user/bob/lab")
    warning = page.locator(".Toastify__toast", has_text="This server ends in")
    expect(warning).to_contain_text("Save your work", timeout=lab.START_TIMEOUT_MS)
    page.locator(".yarnhub-status").click()
    panel = page.locator("#yarnhub-server")
    expect(panel).to_contain_text("Can be extended until")
    page.screenshot(path=pictures / "lab-ends-soon.png")
    warning.get_by_role("button", name="Keep It Running").click()
    extended = page.locator(".Toastify__toast", has_text="This server now ends at")
    expect(extended).to_be_visible()
    expect(warning).to_have_count(0)
    expect(page.locator(".yarnhub-status")).to_contain_text(re.compile(r"(5\d|60) min left|1 h"))
    (timeout,) = application(hadoop, application_id)["timeouts"]["timeout"]
    assert timeout["remainingTimeInSeconds"] > 600


#: YARN's words for ends that take long to bring about. `tests/faults` has the real one of memory.
MEMORY = (
    "Container [pid=1,containerID=c] is running 4096B beyond the 'PHYSICAL' memory limit. Current "
    "usage: 1.1 GB of 1 GB physical memory used; 3 GB of 2.1 GB virtual memory used."
)
PREEMPTED = "Container preempted by scheduler"


@pytest.mark.parametrize(
    ("end", "sentence", "name"),
    [
        (
            partial(end_application, diagnostics=MEMORY),
            "more memory than its container has (1.1 GiB of 1 GiB)",
            "ended-memory",
        ),
        (
            partial(end_application, diagnostics=PREEMPTED),
            "YARN preempted the server's container for another queue.",
            "ended-preempted",
        ),
        (partial(end_lifetime_in, 5), "The server reached its maximum lifetime", "ended-lifetime"),
    ],
)
def test_a_server_that_yarn_ends_says_why_where_its_user_looks(
    log_in: LogIn,
    hub: Hub,
    hadoop: MiniHadoop,
    pictures: Path,
    wait_until: Callable[..., Any],
    end: Callable[[MiniHadoop, str], bool | None],
    sentence: str,
    name: str,
):
    page = log_in("alice")
    assert hub.request_server("alice", options={"profile": "small"})[-1].get("ready")
    assert end(hadoop, hub.application_of("alice")) is not False
    wait_until(lambda: not hub.api("GET", "users/alice")["servers"], 60, "the server's end")
    page.goto("/user/alice/lab")
    expect(page.locator(".yarn-end.alert")).to_contain_text(sentence)
    lab.look_at(page, pictures, name)
    for address in ("/hub/home", "/hub/spawn"):
        page.goto(address)
        expect(page.locator(".yarn-end.alert")).to_contain_text(sentence)
    assert hub.request_server("alice", options={"profile": "small"})[-1].get("ready")
    page.goto("/hub/home")
    expect(page.locator(".yarn-end.alert")).to_have_count(0)


def test_a_server_that_an_idle_culler_or_an_administrator_stops_says_who(
    log_in: LogIn, hub: Hub, pictures: Path, wait_until: Callable[..., Any]
):
    page = log_in("alice")
    small = {"profile": "small"}
    assert hub.request_server("alice", options=small)[-1].get("ready")
    with culling(hub, lab.CULLER_TOKEN):
        wait_until(lambda: not hub.api("GET", "users/alice")["servers"], 60, "the server's end")
    page.goto("/user/alice/lab")
    expect(page.locator(".yarn-end.alert")).to_contain_text("The service idle-culler of JupyterHub")
    lab.look_at(page, pictures, "ended-culled")

    assert hub.request_server("alice", options=small)[-1].get("ready")
    admin = log_in("root")
    admin.goto("/hub/admin")
    admin.get_by_role("link", name="Servers on YARN").click()
    row = admin.get_by_role("row", name="alice")
    expect(row).to_contain_text("1.1 GiB, 1 core")
    lab.look_at(admin, pictures, "servers")
    admin.on("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Stop alice").focus()
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("row", name="alice")).to_have_count(0)
    page.goto("/user/alice/lab")
    expect(page.locator(".yarn-end.alert")).to_contain_text("The user root stopped the server")
    lab.look_at(page, pictures, "ended-stopped")
