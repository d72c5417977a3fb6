"""`internal_ssl`: hub, proxy and servers speak TLS only, and only with each other."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    request = HTTPRequest(
        url, headers=headers, ssl_options=context, connect_timeout=60, request_timeout=60
    )
    (await websocket_connect(request)).close()


def api(server: Server, context: ssl.SSLContext) -> httpx.Response:
    return httpx.get(f"{server.url}/user/alice/api", verify=context, trust_env=False, timeout=60)


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


def test_a_restarted_hub_accepts_only_the_certificate_of_this_start(
    server: Server, hub: Hub, wait_until: Callable[..., Any]
):
    pem = (server.folder / "internal-ssl/user-alice/user-alice.crt").read_text()
    own = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    assert hub.api("GET", "users/alice")["servers"][""]["state"]["certificate"] == own
    hub.kill()
    hub.begin_log()
    hub.start()
    wait_until(lambda: "alice still running" in hub.log(), 60, "the server is found again")

    # As if the server at this address had the certificate of another start.
    hub.kill()
    expect_certificate(server.folder / "jupyterhub.sqlite", "0" * 64)
    hub.begin_log()
    config = hub.config.read_text()
    hub.config.write_text(f"{config}\nc.Spawner.http_timeout = 10\n")  # so long it asks again
    hub.start()
    hub.config.write_text(config)
    wait_until(lambda: not hub.api("GET", "users/alice")["servers"], 60, "the server is gone")
    assert "with another certificate than the one of this server" in hub.log()
    hub.kill()
    hub.start()  # The tests after this one get its own timeout again.


def expect_certificate(database: Path, sha256: str) -> None:
    """Change the fingerprint that the hub has of alice's certificate."""
    with closing(sqlite3.connect(database)) as connection, connection:
        ((row, text),) = connection.execute(
            "select id, state from spawners where state like '%spawn_tag%'"
        )
        state = {**json.loads(text), "certificate": sha256}
        connection.execute("update spawners set state = ? where id = ?", (json.dumps(state), row))
