"""The guide for users on the hub's pages."""

from __future__ import annotations

import pytest
from jinja2 import DictLoader, Environment

from yarnspawner.hub.guide_page import guide_html
from yarnspawner.templates import with_ours

PAGE = "{% block main %}{% endblock %}"


def page(help_url: str) -> str:
    hub = Environment(loader=DictLoader({"page.html": PAGE}))
    template = with_ours(hub).get_template("yarn_guide.html")
    return template.render(guide=guide_html(), help_url=help_url)


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
