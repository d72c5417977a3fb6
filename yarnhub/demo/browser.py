"""A browser session with JupyterHub over HTTP and websockets, with its cookies."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketError, websocket_connect

KERNEL_TIMEOUT_SECONDS = 180


class UnexpectedPageError(Exception):
    """The server's answer is not the one that a user expects."""


class Browser:
    """One user's session with one hub. Use it as an asynchronous context manager.

    `profile` is that of the user's servers, empty for a hub without profiles.
    """

    def __init__(self, hub_url: str, name: str, profile: str = "") -> None:
        self.name = name
        self._profile = profile
        self._origin = hub_url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=self._origin, follow_redirects=True, timeout=60, trust_env=False
        )

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    def _cookies_for(self, path: str) -> dict[str, str]:
        """Return the cookies that a browser sends to `path`; the longest path wins."""
        matching = [cookie for cookie in self._http.cookies.jar if path.startswith(cookie.path)]
        matching.sort(key=lambda cookie: len(cookie.path))
        return {cookie.name: cookie.value or "" for cookie in matching}

    async def request(self, method: str, path: str, json: object = None) -> httpx.Response:
        """Send a request with a JSON body and the XSRF token, as the page's own scripts do."""
        headers = {"X-XSRFToken": self._cookies_for(path).get("_xsrf", "")}
        response = await self._http.request(method, path, headers=headers, json=json)
        if response.is_error:
            raise UnexpectedPageError(
                f"{method} {path}: {response.status_code} {_reason(response)}"
            )
        return response

    async def log_in(self, password: str) -> None:
        """Submit the login form."""
        await self._http.get("/hub/login")
        form = {
            "username": self.name,
            "password": password,
            "_xsrf": self._cookies_for("/hub/login")["_xsrf"],
        }
        response = await self._http.post("/hub/login", data=form, follow_redirects=False)
        if response.status_code != httpx.codes.FOUND:
            raise UnexpectedPageError(
                f"the login of {self.name} was refused: {response.status_code}"
            )

    async def start_server(self) -> AsyncIterator[str]:
        """Request the server, and yield its progress messages until it is ready."""
        # This page starts the server, and redirects to the one that reads the progress stream.
        query = f"?profile={self._profile}" if self._profile else ""
        await self.request("GET", f"/hub/spawn/{self.name}{query}")
        progress = f"/hub/api/users/{self.name}/server/progress"
        async with self._http.stream("GET", progress, timeout=None) as events:
            async for line in events.aiter_lines():
                if not line.startswith("data:"):
                    continue
                event = json.loads(line.removeprefix("data:"))
                yield event["message"]
                if event.get("failed"):
                    raise UnexpectedPageError(event["message"])
                if event.get("ready"):
                    return
        raise UnexpectedPageError("the progress stream ended before the server was ready")

    async def stop_server(self) -> None:
        """Stop the server."""
        await self.request("DELETE", f"/hub/api/users/{self.name}/server")

    async def open_lab(self) -> str:
        """Open JupyterLab through the hub's OAuth redirects; returns the page."""
        page = (await self.request("GET", f"/user/{self.name}/lab")).text
        if "jupyter-config-data" not in page:
            raise UnexpectedPageError("the page at /lab is not JupyterLab")
        return page

    async def api(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Call the notebook server's REST API; returns the JSON object, empty if there is none."""
        response = await self.request(method, f"/user/{self.name}/api/{path}", body)
        return response.json() if response.content else {}

    async def download(self, path: str) -> bytes:
        """Download a file as the file browser does."""
        return (await self.request("GET", f"/user/{self.name}/files/{path}?download=1")).content

    async def run_cell(self, code: str, kernel: str = "python3", notebook: str = "") -> str:
        """Start a kernel and run `code` in it over its websocket; returns the output.

        With the path of a `notebook`, which need not exist, the kernel is that notebook's.
        """
        model: dict[str, Any] = {"name": kernel}
        if notebook:
            session = {"path": notebook, "type": "notebook", "name": notebook, "kernel": model}
            started = (await self.api("POST", "sessions", session))["kernel"]
        else:
            started = await self.api("POST", "kernels", model)
        path = f"/user/{self.name}/api/kernels/{started['id']}/channels"
        return await run_code(self._origin + path, self._cookie_header(path), code)

    async def run_in_terminal(self, command: str, directory: str = "") -> str:
        """Run a command in a new terminal, opened in a directory of the file browser; returns its
        output. Raises UnexpectedPageError if it fails."""
        # As JupyterLab, which names no directory if the file browser shows the root.
        terminal = await self.api("POST", "terminals", {"cwd": directory} if directory else {})
        path = f"/user/{self.name}/terminals/websocket/{terminal['name']}"
        return await run_command(self._origin + path, self._cookie_header(path), command)

    async def open_websocket(self, path: str) -> WebSocketClientConnection:
        """Open a websocket, as a page's script does."""
        return await _connect(self._origin + path, self._cookie_header(path))

    def _cookie_header(self, path: str) -> dict[str, str]:
        cookies = (f"{name}={value}" for name, value in self._cookies_for(path).items())
        return {"Cookie": "; ".join(cookies)}


async def run_command(terminal: str, headers: dict[str, str], command: str) -> str:
    """Run `command` in the terminal whose websocket is at this URL; returns its output."""
    try:
        running = _type(terminal, headers, command)
        return await asyncio.wait_for(running, KERNEL_TIMEOUT_SECONDS)
    except (asyncio.TimeoutError, HTTPClientError, WebSocketError) as error:
        reason = str(error) or f"not within {KERNEL_TIMEOUT_SECONDS} s"
        raise UnexpectedPageError(f"the terminal did not answer: {reason}") from error


async def _type(terminal: str, headers: dict[str, str], command: str) -> str:
    socket = await _connect(terminal, headers)
    try:
        # The terminal echoes what is typed, in which the two marks are not whole.
        typed = f"stty -echo; echo 'BE''GIN'; ({command}); echo 'E''ND'$?.\r"
        await socket.write_message(json.dumps(["stdin", typed]))
        output = ""
        while (end := re.search(r"END(\d+)\.", output)) is None:
            received = await socket.read_message()
            if received is None:
                raise UnexpectedPageError("the terminal's websocket was closed")
            kind, *rest = json.loads(received)
            output += rest[0] if kind == "stdout" else ""
    finally:
        socket.close()
    shown = output[: end.start()].rpartition("BEGIN")[2].replace("\r\n", "\n").strip()
    if end[1] != "0":
        raise UnexpectedPageError(f"{command} failed in the terminal: {shown}")
    return shown


async def _connect(url: str, headers: dict[str, str], query: str = "") -> WebSocketClientConnection:
    parts = urlsplit(url)
    origin = {"Origin": f"{parts.scheme}://{parts.netloc}"}
    request = HTTPRequest(
        f"ws://{parts.netloc}{parts.path}{query}",
        headers={**origin, **headers},
        connect_timeout=KERNEL_TIMEOUT_SECONDS,
        request_timeout=KERNEL_TIMEOUT_SECONDS,
    )
    return await websocket_connect(request)


async def run_code(channels: str, headers: dict[str, str], code: str) -> str:
    """Run `code` in the kernel whose websocket is at the URL `channels`; returns the output."""
    try:
        return await asyncio.wait_for(_run(channels, headers, code), KERNEL_TIMEOUT_SECONDS)
    except (asyncio.TimeoutError, HTTPClientError, WebSocketError) as error:
        reason = str(error) or f"not within {KERNEL_TIMEOUT_SECONDS} s"
        raise UnexpectedPageError(f"the kernel did not answer: {reason}") from error


async def _run(channels: str, headers: dict[str, str], code: str) -> str:
    socket = await _connect(channels, headers, f"?session_id={uuid.uuid4().hex}")
    try:
        message_id = uuid.uuid4().hex
        await socket.write_message(json.dumps(_execute_request(code, message_id)))
        output = ""
        while True:
            received = await socket.read_message()
            if received is None:
                raise UnexpectedPageError("the kernel's websocket was closed")
            reply = json.loads(received)
            if reply["parent_header"].get("msg_id") != message_id:
                continue
            if reply["msg_type"] == "error":
                raise UnexpectedPageError("the cell failed: " + reply["content"]["evalue"])
            if reply["msg_type"] == "stream":
                output += reply["content"]["text"]
            if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
                return output
    finally:
        socket.close()


def _execute_request(code: str, message_id: str) -> dict[str, object]:
    header = {
        "msg_id": message_id,
        "msg_type": "execute_request",
        "session": uuid.uuid4().hex,
        "username": "",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
    return {
        "channel": "shell",
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "buffers": [],
    }


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json().get("message", response.reason_phrase))
    except ValueError:
        return response.reason_phrase
