"""The port of a server that has ended, held until the hub knows.

The hub sends the server's user to this port until it notices the end. Meanwhile any other user with
a container on this node could bind the port, and would get that user's requests and cookies. So the
application master, which bound the port for the server, keeps it for that time and answers 503.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress

from yarnspawner.container.signals import StoppedError, stoppable

#: How long one client may take to send its request.
CLIENT_SECONDS = 1.0

RESPONSE = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 22\r\nConnection: close\r\n\r\n"
    b"The server has ended.\n"
)


def hold_port(sock: socket.socket, seconds: float) -> None:
    """Answer each connection to the listening socket with 503, for `seconds` or until a stop
    signal."""
    deadline = time.monotonic() + seconds
    with suppress(StoppedError), stoppable():
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            with suppress(OSError):
                connection, _ = sock.accept()
                with connection:
                    connection.settimeout(CLIENT_SECONDS)
                    connection.recv(65536)  # a close with unread data would discard the response
                    connection.sendall(RESPONSE)
