"""People log in by the Kerberos ticket that their browser has (SPNEGO), and type no password.

It takes, beside JupyterHub and built against MIT's headers (Debian: libkrb5-dev gcc),

    pip install jupyterhub-kerberosauthenticator pykerberos

a key of HTTP/hub.example.com, the name by which browsers reach the hub, in a keytab of the hub's
account (mode 0400), and browsers that are told to show their tickets to this host.

Each person's server has a host name of its own, as in subdomains.py: at the hub's own name it could
ask who comes by for their ticket too, and log in with it.

Of alice@EXAMPLE.COM it makes alice, and so of alice@ELSEWHERE: use it where your realm trusts no
other. kerberos.apache.conf has neither need.
"""

from jupyterhub.app import JupyterHub
from jupyterhub.handlers import BaseHandler
from kerberosauthenticator import KerberosAuthenticator
from kerberosauthenticator.auth import TEMPLATE_DIR, KerberosLoginHandler


class LeanLogin(KerberosLoginHandler):
    """The package's own (1.0.0) makes its folder of pages known once more with each request; after
    some nine hundred the hub would have no pages any more, for nobody."""

    def __init__(self, *arguments: object, **options: object) -> None:
        BaseHandler.__init__(self, *arguments, **options)


class TicketAuthenticator(KerberosAuthenticator):
    """Knows people by their tickets."""

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
# The key that acts for people on the cluster, another one than that for their log-in.
c.YarnSpawner.keytab = "/etc/security/keytabs/hub.keytab"
