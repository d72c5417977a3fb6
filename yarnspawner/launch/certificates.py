"""`internal_ssl`: a server's certificates, for nodes whose name is not known before the start.

The certificate names all nodes that the container may run on, and it travels with the launch: only
the container's own user can read its key.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path

FOLDER = "internal-ssl"

#: In which variable of the server's environment JupyterHub puts the path of each file.
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
    """Return where the container has the file `name` ("keyfile", "certfile" or "cafile")."""
    return f"{FOLDER}/{name}.pem"


def read_files(paths: Mapping[str, str]) -> dict[str, bytes]:
    """Read the hub's files, by their path in the container."""
    return {container_path(name): Path(paths[name]).read_bytes() for name in VARIABLES}
