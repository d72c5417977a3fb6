"""The guide for users on the hub's pages."""

from __future__ import annotations

import pytest
from jinja2 import DictLoader, Environment

from yarnspawner.hub.guide_page import guide_html
from yarnspawner.templates import with_ours

PAGE = "{% block nav_bar_left_items %}Home{% endblock %}{% block main %}{% endblock %}"


def render(name: str, **values: object) -> str:
    hub = Environment(loader=DictLoader({"page.html": PAGE}))
    return with_ours(hub).get_template(name).render(base_url="/hub/", **values)


def page(help_url: str) -> str:
    return render("yarn_guide.html", guide=guide_html(), help_url=help_url)


def test_the_guide_is_rendered_with_its_tables():
    html = guide_html()
    assert "<h1>Your server on YARN</h1>" in html
    assert '<table class="table">' in html
    assert "|" not in html


@pytest.mark.parametrize(
    ("help_url", "link"),
    [
        ("mailto:help@example.org", '<a href="mailto:help@example.org">help@example.org</a>'),
        ("https://wiki/?a=1&b=2", '<a href="https://wiki/?a=1&amp;b=2">'),
    ],
)
def test_the_page_says_where_users_find_help(help_url: str, link: str):
    assert link in page(help_url)
    assert "help:" not in page("")


@pytest.mark.parametrize("name", ["yarn_guide", "yarn_not_responding", "yarn_servers"])
def test_the_bar_of_each_page_has_a_link_to_the_guide(name: str):
    shown = render(f"{name}.html", guide="", servers=[])
    assert "Home" in shown.split("<li")[0]
    assert '<a class="nav-link" href="/hub/yarn/guide">Guide</a>' in shown
