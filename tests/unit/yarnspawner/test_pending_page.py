from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader, PrefixLoader
from jupyterhub._data import DATA_FILES_PATH

from yarnspawner.hub.pending_page import PendingPageHandler

JUPYTERHUBS = FileSystemLoader(Path(DATA_FILES_PATH) / "templates")
SITES = """{% extends "templates/spawn_pending.html" %}
{% block message %}The site's own words.{% endblock %}"""


async def shown(server: str, site: str = "") -> str:
    """The page of a server that starts; `site` is the site's own template of a start's page."""
    sites = DictLoader({"spawn_pending.html": site} if site else {})
    loader = ChoiceLoader([sites, PrefixLoader({"templates": JUPYTERHUBS}), JUPYTERHUBS])
    settings = {"jinja2_env": Environment(loader=loader, autoescape=True, enable_async=True)}
    handler = PendingPageHandler.__new__(PendingPageHandler)
    handler.application = SimpleNamespace(settings=settings)
    template = handler.get_template("spawn_pending.html")
    user = SimpleNamespace(name="alice", json_escaped_name="alice", spawner=None)
    return await template.render_async(
        user=user,
        spawner=SimpleNamespace(name=server),
        static_url=lambda path, **_: path,
        no_spawner_check=True,
        parsed_scopes={},
    )


@pytest.mark.parametrize("site", ["", SITES], ids=["", "site"])
async def test_the_page_of_a_named_server_stops_that_server(site):
    page = await shown("second", site)
    assert 'this.stop_named_server(user, "second", {' in page
    assert "new EventSource" in page
    assert ("The site's own words" in page) is bool(site)


async def test_the_button_of_the_default_server_is_jupyterhubs_own():
    assert "stop_named_server" not in await shown("")


async def test_the_name_of_a_server_is_quoted():
    page = await shown("""</script>'"x""")
    assert page.count("</script>") == (await shown("second")).count("</script>")
