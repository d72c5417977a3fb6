"""How daemons' pages are asked where they ask for a ticket: SPNEGO (RFC 4559), for urllib."""

from __future__ import annotations

import base64
import urllib.request
from email.message import Message
from typing import Any

import gssapi

from yarnhub.minihadoop.secure_site import service_principal


class Negotiate(urllib.request.BaseHandler):
    """Asks again as whoever this process is. An answer to that is the last word."""

    def http_error_401(
        self, request: urllib.request.Request, _file: Any, _code: int, _text: str, _headers: Message
    ) -> Any:
        if request.has_header("Authorization"):
            return None
        host = request.host.partition(":")[0]
        name = gssapi.Name(service_principal("HTTP", host), gssapi.NameType.kerberos_principal)
        token = gssapi.SecurityContext(name=name, usage="initiate").step() or b""
        request.add_header("Authorization", f"Negotiate {base64.b64encode(token).decode()}")
        return self.parent.open(request, timeout=request.timeout)
