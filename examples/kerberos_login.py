"""Logs users in with the Kerberos ticket of their browser (SPNEGO), without a password.

It needs, in the hub's environment and built with MIT's headers (Debian: libkrb5-dev gcc),

    pip install jupyterhub-kerberosauthenticator pykerberos

and a key of HTTP/hub.example.com, the name by which browsers reach the hub, in a keytab of the
hub's account (mode 0400). Browsers must be configured to send tickets to this host.

Each user's server has a separate host name, as in subdomains.py. At the hub's name it could ask
visitors for their tickets, and log in with them.

alice@EXAMPLE.COM and alice@ELSEWHERE both become alice: use this only if your realm trusts no
other. kerberos.apache.conf has neither limit.
"""

from jupyterhub.app import JupyterHub
from jupyterhub.handlers import BaseHandler
from kerberosauthenticator import KerberosAuthenticator
from kerberosauthenticator.auth import TEMPLATE_DIR, KerberosLoginHandler


class LeanLogin(KerberosLoginHandler):
    """Replaces the handler of version 1.0.0, which adds its template directory again with each
    request. After about 900 requests the hub can show no page at all."""

    def __init__(self, *arguments: object, **options: object) -> None:
        BaseHandler.__init__(self, *arguments, **options)


class TicketAuthenticator(KerberosAuthenticator):
    """Identifies users by their tickets."""

    def get_handlers(self, app: JupyterHub) -> list[tuple[str, type]]:
        return [("/kerberos_login", LeanLogin)]


c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.JupyterHub.subdomain_host = "https://hub.example.com"
c.JupyterHub.bind_url = "https://:443"
c.JupyterHub.ssl_cert = "/etc/pki/hub.crt"
c.JupyterHub.ssl_key = "/etc/pki/hub.key"
c.JupyterHub.authenticator_class = TicketAuthenticator
c.JupyterHub.template_paths = [TEMPLATE_DIR]
c.KerberosAuthenticator.keytab = "/etc/jupyterhub/http.keytab"
c.Authenticator.auto_login = True
c.Authenticator.allowed_users = {"alice", "bob"}
c.YarnSpawner.python_env = "lab"
# The key with which the hub impersonates users; not the key of the log-in.
c.YarnSpawner.keytab = "/etc/security/keytabs/hub.keytab"
