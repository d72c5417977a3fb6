"""Profiles in a real hub: by form, by query and by REST, with the same answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.hadoop.hub import Hub, Person
from tests.hadoop.yarn_rest import application, running_applications
from yarnhub.minihadoop import MiniHadoop

HUB_CONFIG = """
c.YarnSpawner.profiles = [
    {"name": "small", "display_name": "Small", "memory": "256M"},
    {"name": "custom", "display_name": "Custom", "description": "Choose.",
     "queue": {"choices": ["default"]},
     "memory": {"min": "128M", "max": "1G"}, "cores": {"max": 2},
     "options": {"data": {"label": "Data", "choices": {
         "sample": {"env": {"DATA": "/sample"}}, "all": {"env": {"DATA": "/all"}}}}},
     "limits": {"users": {"bob": {"memory": "256M"}}}},
    {"name": "huge", "memory": {"min": "128M", "max": "4T"}, "cores": 1,
     "environment": {"choices": {"/usr": "A path", "gone": "Unpublished"}}},
    {"name": "gone", "display_name": "Gone", "environment": "gone"},
    {"name": "labelled", "display_name": "Labelled", "node_label": "fast"},
]
"""


@pytest.mark.smoke
def test_what_is_chosen_by_rest_reaches_yarn_and_the_server(hub: Hub, hadoop: MiniHadoop):
    options = {"profile": "custom", "memory": "512M", "cores": 2, "data": "all"}
    events = hub.request_server("alice", options=options)
    assert events[-1].get("ready"), events
    seen = application(hadoop, hub.application_of("alice"))
    assert (seen["allocatedMB"], seen["allocatedVCores"]) == (640, 2)
    environment = hub.get("/user/alice/environment").json()["environment"]
    assert (environment["DATA"], environment["MEM_LIMIT"]) == ("/all", str(512 << 20))


def test_nothing_of_an_earlier_choice_is_left_in_the_next_start(hub: Hub, hadoop: MiniHadoop):
    hub.request_server("alice", options={"profile": "custom", "cores": 2, "memory": "1G"})
    hub.stop_server("alice")
    hub.request_server("alice", options={"profile": "small"})
    seen = application(hadoop, hub.application_of("alice"))
    assert (seen["allocatedMB"], seen["allocatedVCores"]) == (384, 1)
    assert "DATA" not in hub.get("/user/alice/environment").json()["environment"]


REFUSED = {
    "unknown option": ({"profile": "small", "colour": "red"}, "has no option"),
    "above the limit": ({"profile": "custom", "memory": "2G"}, "at most 1G"),
    "not whole": ({"profile": "custom", "queue": "default; x"}, "choose one of default"),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
def test_the_same_is_refused_by_form_query_and_rest_and_nothing_sticks(
    hub: Hub, hadoop: MiniHadoop, options: dict[str, str], said: str
):
    alice = Person(hub, "alice")
    fields = {k if k == "profile" else f"{options['profile']}:{k}": v for k, v in options.items()}
    by_form = alice.post("/hub/spawn/alice", fields)
    by_query = alice.http.get("/hub/spawn/alice", params=options)
    by_rest = hub.request_server("alice", options=options)
    assert said in by_form.text
    assert said in by_query.text
    assert said in by_rest[-1]["message"]
    if "memory" in options:
        assert re.search(
            r'is-invalid" id="custom:memory"[^>]* value="2G"[^>]*aria-inv', by_form.text
        )
    assert running_applications(hadoop) == []
    assert hub.start_server("alice")
    assert hub.api("GET", "users/alice")["servers"][""]["user_options"] in ({}, None)


def test_the_form_is_in_the_hubs_page_and_starts_what_was_chosen(
    hub: Hub, wait_until: Callable[..., Any]
):
    alice = Person(hub, "alice")
    wait_until(
        lambda: alice.form_with_room("alice"), 60, "the form to show what the queue has left"
    )
    answer = alice.post(
        "/hub/spawn/alice", {"profile": "custom", "custom:memory": "512M", "custom:data": "all"}
    )
    assert answer.is_success
    events = hub.follow_progress("alice")
    assert events[-1].get("ready"), events
    stored = hub.api("GET", "users/alice")["servers"][""]["user_options"]
    assert stored == {"profile": "custom", "memory": "512M", "data": "all"}
    hub.stop_server("alice")
    again = alice.http.get("/hub/spawn/alice").text
    assert re.search(r'value="custom" checked', again)
    assert 'value="512M"' in again


def test_the_form_offers_only_what_the_cluster_has(hub: Hub, wait_until: Callable[..., Any]):
    alice = Person(hub, "alice")
    wait_until(
        lambda: "is not published" in alice.http.get("/hub/spawn/alice").text, 60, "its limits"
    )
    page = alice.http.get("/hub/spawn/alice").text
    (guide,) = re.findall(r'<a class="nav-link" href="([^"]*)">Guide</a>', page)
    assert "<h1>Your server on YARN</h1>" in alice.http.get(guide).text
    assert "Not available. The environment gone is not published." in page
    assert "Not available. This cluster has no node label fast." in page
    assert "Unpublished" not in page
    assert re.search(r'id="huge:memory-hint">128M to [\d.]+G', page)
    refused = alice.post("/hub/spawn/alice", {"profile": "huge", "huge:memory": "2T"}).text
    assert "this cluster gives a server at most" in refused
    assert 'value="2T"' in refused
    message = hub.request_server("alice", options={"profile": "gone"})[-1]["message"]
    assert "The profile gone cannot start. The environment gone is not published." in message


def test_the_refused_form_of_a_named_server_is_its_own(make_hub: Any):
    hub = make_hub(HUB_CONFIG + "c.JupyterHub.allow_named_servers = True\n")
    alice = Person(hub, "alice")
    refused = alice.post("/hub/spawn/alice/second", {"profile": "custom", "custom:memory": "3G"})
    assert re.search(r'is-invalid" id="custom:memory"', refused.text)


def test_a_limit_holds_for_who_it_is_for(hub: Hub):
    refused = hub.request_server("bob", options={"profile": "custom", "memory": "512M"})
    assert "at most 256M" in refused[-1]["message"]


def test_without_profiles_options_are_ignored_with_a_line_in_the_log(make_hub: Any):
    hub = make_hub()
    assert hub.request_server("alice", options={"memory": "64G"})[-1].get("ready")
    assert "Unhandled user option memory" in hub.log()


def test_a_mistake_in_the_profiles_is_told_at_the_hubs_start_and_to_who_wants_a_server(
    make_hub: Any, wait_until: Callable[..., Any]
):
    hub = make_hub("c.YarnSpawner.profiles = [{'name': 'a', 'memroy': '2G'}]\n")
    wait_until(lambda: "c.YarnSpawner.profiles, a: unknown key 'memroy'" in hub.log(), 30, "a line")
    assert "Ask an administrator to correct it" in hub.refuse_server("alice")
