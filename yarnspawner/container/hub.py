"""The hub's API, called with the server's own token and certificates."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30.0

#: The limit of a response, in bytes. A file of delegation tokens is the largest.
MAX_RESPONSE_BYTES = 16 << 20


class HubApi:
    """The API at JUPYTERHUB_API_URL of a server's environment. Each call opens a connection."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        url = urlsplit(environment["JUPYTERHUB_API_URL"])
        self._secure = url.scheme == "https"
        self._address = url.netloc
        self._prefix = url.path.rstrip("/")
        self._environment = environment

    def call(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """Return the response's status and body; raises OSError."""
        connection = self._connect()
        try:
            token = self._environment["JUPYTERHUB_API_TOKEN"]
            headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
            connection.request(method, f"{self._prefix}/{path}", body, headers)
            response = connection.getresponse()
            content = response.read(MAX_RESPONSE_BYTES + 1)
        except http.client.HTTPException as error:
            raise OSError(f"the response is not the hub's: {error!r}") from error
        finally:
            connection.close()
        if len(content) > MAX_RESPONSE_BYTES:
            raise OSError("the response is not the hub's: it is too large")
        return response.status, content

    def _connect(self) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        context = ssl.create_default_context(
            cafile=self._environment.get("JUPYTERHUB_SSL_CLIENT_CA")
        )
        certificate = self._environment.get("JUPYTERHUB_SSL_CERTFILE")
        if certificate:
            context.load_cert_chain(certificate, self._environment["JUPYTERHUB_SSL_KEYFILE"])
        return http.client.HTTPSConnection(self._address, timeout=TIMEOUT_SECONDS, context=context)
