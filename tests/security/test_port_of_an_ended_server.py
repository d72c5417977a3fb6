"""Between the end of a server and the hub's notice of it, no other program gets its port."""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress

from tests.hadoop.hub import Hub


def can_be_bound(port: int) -> bool:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            other.bind(("0.0.0.0", port))
            return True
    return False


def test_the_port_is_held_until_the_hub_routes_nobody_there(hub: Hub):
    hub.start_server("alice")
    (port,) = set(re.findall(r"/user/alice/ => http://[^:]*:(\d+)", hub.log()))
    hub.get("/user/alice/end")
    deadline = time.monotonic() + 240
    while hub.api("GET", "users/alice")["servers"]:
        assert time.monotonic() < deadline
        taken = can_be_bound(int(port))
        assert not taken or not hub.api("GET", "users/alice")["servers"]
