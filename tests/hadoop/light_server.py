#!/usr/bin/env python3
"""A single-user server that is ready at once: it answers the hub, and shows its environment and
the request that asked for it.

`light_server.py` serves; `light_server.py fail TEXT` says TEXT and ends with exit code 1;
`light_server.py leave TEXT` listens, and says TEXT and ends when the hub asks it anything;
`light_server.py wait FILE` serves when there is such a file;
`light_server.py eat MIB` takes so much memory instead.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

eaten: list[bytes] = []


class Api(RequestHandler):
    def get(self) -> None:
        self.set_header("X-JupyterHub-Version", os.environ.get("LIGHT_HUB_VERSION", ""))
        self.write({"version": "light"})


class Leave(RequestHandler):
    """Ends the server at the first request, with the rest of the command line as its last words."""

    def get(self) -> None:
        sys.stderr.write(" ".join(sys.argv[2:]) + "\n")
        os._exit(1)


class Environment(RequestHandler):
    def get(self) -> None:
        seen = {"environment": dict(os.environ), "headers": dict(self.request.headers)}
        parent = os.readlink(f"/proc/{os.getppid()}/exe")  # noqa: PTH115
        process = {"argv": sys.argv, "cwd": os.getcwd(), "parent": parent}  # noqa: PTH109
        self.write({**seen, **process, "python": sys.version_info[:2]})


class Ask(RequestHandler):
    """What wants the ticket of whoever comes by, and says what it got."""

    def get(self) -> None:
        self.set_status(401)
        self.set_header("WWW-Authenticate", "Negotiate")
        self.write({"got": self.request.headers.get("Authorization", "")})


class Memory(RequestHandler):
    def on_finish(self) -> None:
        eaten.append(b"x" * (int(self.path_args[0]) << 20))

    def get(self, mib: str) -> None:
        self.write({})


class End(RequestHandler):
    def on_finish(self) -> None:
        self.settings["ended"].set()

    def get(self) -> None:
        self.write({})


async def serve() -> None:
    url = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    routes: list[Any] = [
        (rf"{url.path}api", Leave if sys.argv[1:2] == ["leave"] else Api),
        (rf"{url.path}environment", Environment),
        (rf"{url.path}ask", Ask),
        (rf"{url.path}memory/(\d+)", Memory),
        (rf"{url.path}end", End),
    ]
    ended = asyncio.Event()  # before Python 3.10 it takes the loop in which it is made
    HTTPServer(Application(routes, ended=ended)).listen(url.port or 0, url.hostname or "")
    await ended.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["fail"]:
        sys.exit(f"{sys.argv[2]} {os.environ['JUPYTERHUB_API_TOKEN']}")
    if sys.argv[1:2] == ["eat"]:
        eaten.append(b"x" * (int(sys.argv[2]) << 20))
        signal.pause()
    while sys.argv[1:2] == ["wait"] and not Path(sys.argv[2]).exists():
        time.sleep(0.1)
    asyncio.run(serve())
