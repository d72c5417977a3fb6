"""The last end of a server on the hub's pages."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from jinja2 import DictLoader, Environment

from yarnspawner.endings import End
from yarnspawner.hub import readable
from yarnspawner.hub.last_end import last_end, show, shown_ends
from yarnspawner.hub.pages import may_see
from yarnspawner.templates import with_ours

MEMORY = End("memory", "It used <b>more</b> memory.", "last <line>\x1b", 1_700_000_000_000, "app")
STATE = {"last_end": MEMORY.to_state()}


def server(state: object) -> SimpleNamespace:
    return SimpleNamespace(state=state)


def page(*ends: object, site: dict[str, str] | None = None) -> str:
    hub = Environment(loader=DictLoader(site or {}))
    return with_ours(hub).get_template("yarn_last_end.html").render(yarn_ends=ends)


def test_an_end_has_its_time_in_utc_and_how_long_ago_it_was():
    shown = show("", MEMORY, now=1_700_000_000 + 3 * 60)
    assert (shown.time, shown.ago) == ("2023-11-14 22:13 UTC", "3 minutes ago")


@pytest.mark.parametrize("state", [None, {}, {"last_end": None}, {"last_end": {"of": "later"}}])
def test_a_server_without_an_end_has_none(state: object):
    assert last_end(server(state)) is None
    assert last_end(None) is None


def test_the_ends_of_the_named_servers_are_shown():
    servers = {"": server(None), "second": server(STATE), "third": server(STATE)}
    assert [end.server for end in shown_ends(servers, "", "second", "fourth")] == ["second"]


def test_texts_are_escaped_whatever_the_hub_configures():
    text = page(show("<i>", MEMORY))
    assert "&lt;b&gt;more&lt;/b&gt;" in text
    assert "Why server &lt;i&gt; has ended" in text
    assert "last &lt;line&gt;" in text


def test_what_a_user_did_is_no_alert():
    assert "alert" not in page(show("", End("stopped", "The server was stopped by its user.")))
    assert "alert" in page(show("", MEMORY))


def test_a_site_extends_our_template():
    site = '{% extends "yarnspawner/yarn_last_end.html" %}'
    assert "more" in page(show("", MEMORY), site={"yarn_last_end.html": site})
    assert page(show("", MEMORY), site={"yarn_last_end.html": "none"}) == "none"


def visitor(name: str | None, *scopes: str) -> SimpleNamespace:
    user = SimpleNamespace(name=name) if name else None
    return SimpleNamespace(current_user=user, has_scope=lambda scope: scope in scopes)


def test_a_servers_user_and_its_administrators_see_the_reason():
    assert may_see(visitor("alice"), "alice")
    assert may_see(visitor("root", "admin:servers!user=alice"), "alice")
    assert not may_see(visitor("bob", "access:servers!user=alice"), "alice")
    assert not may_see(visitor(None), "alice")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 seconds"), (1, "1 second"), (90, "1 minute"), (7200, "2 hours"), (1e6, "11 days")],
)
def test_a_duration_has_one_unit(seconds: float, text: str):
    assert readable.duration(seconds) == text


@pytest.mark.parametrize(("mib", "text"), [(384, "384 MiB"), (2048, "2 GiB"), (1100, "1.1 GiB")])
def test_memory_is_in_gib_from_one_on(mib: int, text: str):
    assert readable.memory(mib) == text
