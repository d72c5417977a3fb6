"""The page of a server that starts, whose "Stop Server" stops the server that the page is about.

JupyterHub's own button stops the user's default server on the page of a named server too. While the
start is being stopped, JupyterHub reports the server as ready, and the page leads to the address of
a server that does not run. This page leads to the hub's home instead. It extends the page that the
hub shows, JupyterHub's or the site's, until JupyterHub's releases do not have the defects.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from jupyterhub.handlers.pages import SpawnPendingHandler
from jupyterhub.utils import url_escape_path, url_path_join

from yarnspawner.hub.pages import TEMPLATE, YarnPage, log_url, may_see
from yarnspawner.hub.readable import utc

#: The page calls `JHAPI.stop_server`, which has no parameter for a server's name.
STOP_TEMPLATE = """
{% block script %}
  {% if spawner is defined and spawner.name %}
    <script>
      let progress;
      window.EventSource = class extends EventSource {
        constructor(url) { super(url); progress = this; }
      };
      require(["jhapi"], function (JHAPI) {
        JHAPI.prototype.stop_server = function (user, options) {
          progress?.close();
          const success = () => { window.location = "{{ base_url }}home"; };
          this.stop_named_server(user, {{ spawner.name | tojson }}, { ...options, success });
        };
      });
    </script>
  {% endif %}
  {{ super() }}
  {% include "yarn_start_script.html" %}
{% endblock script %}
"""


@dataclass(frozen=True)
class ShownStart:
    """What the page's part on the start itself shows.

    `seconds` is how long it has taken so far, `gives_up` when it fails (in UTC).
    """

    seconds: int
    gives_up: str
    waiting_url: str
    log_url: str
    form_url: str
    servers_url: str
    name: str


class PendingPageHandler(YarnPage, SpawnPendingHandler):
    """JupyterHub's handler of the page, which also shows failed starts."""

    def page_template(self) -> str:
        """Return the template that joins JupyterHub's page and ours, with the button."""
        return TEMPLATE + STOP_TEMPLATE

    def _values(self, name: str, ns: dict[str, Any]) -> dict[str, object]:
        values = super()._values(name, ns)
        spawner = ns.get("spawner")
        began = getattr(spawner, "start_began", 0.0)
        if spawner is None or not began or not may_see(self, spawner.user.name):
            return values
        server = f"/{url_escape_path(spawner.name)}" if spawner.name else ""
        user, base = spawner.user.escaped_name, self.hub.base_url
        start = ShownStart(
            round(time.time() - began),
            utc(round((began + spawner.start_timeout) * 1000)),
            url_path_join(base, "yarn/waiting", user) + server,
            log_url(base, user, spawner.name),
            url_path_join(base, "spawn", user) + server,
            url_path_join(base, "api/users", user),
            spawner.name,
        )
        return {**values, "yarn_start": start}


HANDLERS = [
    (r"/spawn-pending/([^/]+)", PendingPageHandler),
    (r"/spawn-pending/([^/]+)/([^/]+)", PendingPageHandler),
]
