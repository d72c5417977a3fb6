"""The page of a server that starts, whose "Stop Server" stops the server that the page is about.

JupyterHub's own button stops the user's default server on the page of a named server too. While the
start is being stopped, JupyterHub reports the server as ready, and the page leads to the address of
a server that does not run. This page leads to the hub's home instead. It extends the page that the
hub shows, JupyterHub's or the site's, until JupyterHub's releases do not have the defects.
"""

from __future__ import annotations

from jupyterhub.handlers.pages import SpawnPendingHandler

from yarnspawner.hub.pages import TEMPLATE, YarnPage

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
{% endblock script %}
"""


class PendingPageHandler(YarnPage, SpawnPendingHandler):
    """JupyterHub's handler of the page, which also shows failed starts."""

    def page_template(self) -> str:
        """Return the template that joins JupyterHub's page and ours, with the button."""
        return TEMPLATE + STOP_TEMPLATE


HANDLERS = [
    (r"/spawn-pending/([^/]+)", PendingPageHandler),
    (r"/spawn-pending/([^/]+)/([^/]+)", PendingPageHandler),
]
