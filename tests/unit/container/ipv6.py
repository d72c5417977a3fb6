"""A port over IPv6, as another account of the node would bind it."""

from __future__ import annotations

import socket


def ipv6_socket(port: int) -> socket.socket:
    """Bind the port for IPv6 alone, beside a server of IPv4; raises OSError."""
    sock = socket.socket(socket.AF_INET6)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("::", port))
    except OSError:
        sock.close()
        raise
    return sock
