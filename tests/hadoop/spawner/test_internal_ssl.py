"""`internal_ssl`: hub, proxy and servers speak TLS only, and only with each other."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from jupyterhub.utils import make_ssl_context
from tornado.httpclient import HTTPRequest
from tornado.simple_httpclient import HTTPStreamClosedError
from tornado.websocket import websocket_connect

from tests.hadoop.hub import REAL_SERVER, Hub
from yarnhub.minihadoop import MiniHadoop

#: With a real server: its way of reading the certificates is JupyterHub's own.
HUB_CONFIG = f"""{REAL_SERVER}
c.JupyterHub.internal_ssl = True
c.ConfigurableHTTPProxy.api_url = c.ConfigurableHTTPProxy.api_url.replace("http:", "https:")
"""


SUBSCRIBE = "/user/alice/api/events/subscribe"


@dataclass(frozen=True)
class Server:
    """alice's server, on its node; `token` is one of hers."""

    application_id: str
    url: str
    token: str
    folder: Path

    def certificate_of(self, whose: str) -> ssl.SSLContext:
        """What a client with a certificate of this installation shows, and whom it believes."""
        folder = self.folder / "internal-ssl"
        certificate = folder / whose / whose
        trusted = folder / "hub-ca_trust.crt"
        return make_ssl_context(f"{certificate}.key", f"{certificate}.crt", cafile=str(trusted))


@pytest.fixture
def server(hub: Hub) -> Server:
    application_id = hub.start_server("alice")
    (url,) = set(re.findall(r"/user/alice/ => (https?://[^/\s]*)", hub.log()))
    token = hub.api("POST", "users/alice/tokens")["token"]
    return Server(application_id, url, token, hub.folder)


def anonymous() -> ssl.SSLContext:
    """A client that believes any server, and shows no certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def subscribe(server: Server, context: ssl.SSLContext) -> None:
    url = "wss:" + server.url.partition(":")[2] + SUBSCRIBE
    headers = {"Authorization": f"token {server.token}"}
    (await websocket_connect(HTTPRequest(url, headers=headers, ssl_options=context))).close()


def api(server: Server, context: ssl.SSLContext) -> httpx.Response:
    return httpx.get(f"{server.url}/user/alice/api", verify=context, trust_env=False, timeout=30)


async def test_only_who_has_a_certificate_of_the_hub_or_the_proxy_is_let_in(server: Server):
    """Its certificate is right for its node, whatever that was to be: these clients check."""
    assert server.url.startswith("https://")
    for whose in ("hub-internal", "proxy-client"):
        assert api(server, server.certificate_of(whose)).is_success
        await subscribe(server, server.certificate_of(whose))
    # Another server's certificate is as good as none.
    for refused in (anonymous(), server.certificate_of("user-alice")):
        with pytest.raises(httpx.TransportError):
            api(server, refused)
        with pytest.raises((OSError, HTTPStreamClosedError)):
            await subscribe(server, refused)


def test_the_container_has_the_key_for_its_own_user_only(server: Server, hadoop: MiniHadoop):
    container = f"yarn/node*/local/usercache/alice/appcache/{server.application_id}/*"
    (key,) = hadoop.state.folder.glob(f"{container}/internal-ssl/keyfile.pem")
    assert key.stat().st_mode & 0o077 == 0
    assert (
        key.read_bytes() == (server.folder / "internal-ssl/user-alice/user-alice.key").read_bytes()
    )
