"""`internal_ssl`: a server's certificates, when its node is not known before the start.

The certificate names all nodes that the container may run on. It travels with the launch, where
only the container's own user can read its key.
"""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path

#: The files' directory, relative to the container's.
CERTIFICATES_DIRECTORY = "internal-ssl"

#: The variables of the server's environment that hold the paths of the files.
VARIABLES = {
    "keyfile": "JUPYTERHUB_SSL_KEYFILE",
    "certfile": "JUPYTERHUB_SSL_CERTFILE",
    "cafile": "JUPYTERHUB_SSL_CLIENT_CA",
}

#: Ends each certificate of a PEM file.
_FOOTER = "-----END CERTIFICATE-----"


def alt_names(hosts: Iterable[str]) -> list[str]:
    """Return hosts as a certificate's alternative names."""
    return sorted({_alt_name(host) for host in hosts})


def _alt_name(host: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        return f"DNS:{host}"


def container_path(name: str) -> str:
    """Return the path of `name` ("keyfile", "certfile" or "cafile") in the container."""
    return f"{CERTIFICATES_DIRECTORY}/{name}.pem"


def read_files(paths: Mapping[str, str]) -> dict[str, bytes]:
    """Read the hub's files; returns their contents by their paths in the container."""
    return {container_path(name): Path(paths[name]).read_bytes() for name in VARIABLES}


def fingerprint(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256, in hex, of the server's certificate in `files`; empty without one."""
    if container_path("certfile") not in files:
        return ""
    own, footer, _ = files[container_path("certfile")].decode().partition(_FOOTER)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(own + footer)).hexdigest()
