"""SPNEGO (RFC 4559) for urllib: authentication to daemons' pages that require a ticket."""

from __future__ import annotations

import base64
import urllib.request
from email.message import Message
from typing import IO

import gssapi

from yarnhub.minihadoop.secure_site import service_principal


class Negotiate(urllib.request.BaseHandler):
    """Repeats a refused request once, with the ticket of this process's principal."""

    def http_error_401(
        self,
        request: urllib.request.Request,
        _file: IO[bytes],
        _code: int,
        _text: str,
        _headers: Message,
    ) -> object:
        if request.has_header("Authorization"):
            return None
        host = request.host.partition(":")[0]
        name = gssapi.Name(service_principal("HTTP", host), gssapi.NameType.kerberos_principal)
        token = gssapi.SecurityContext(name=name, usage="initiate").step() or b""
        request.add_header("Authorization", f"Negotiate {base64.b64encode(token).decode()}")
        return self.parent.open(request, timeout=request.timeout)
