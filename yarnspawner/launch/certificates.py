"""`internal_ssl`: a server's certificates, when its node is not known before the start.

The certificate names all nodes that the container may run on. It travels with the launch, where
only the container's own user can read its key.
"""

from __future__ import annotations

import ipaddress
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
