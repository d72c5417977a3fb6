"""A real JupyterHub in a process of its own, that tests drive by its REST API."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.ports import held_ports
from yarnhub.minihadoop.settings import HUB_USER

#: How long anything of a hub may take, on a machine that is busy with other tests.
PATIENCE_SECONDS = 240

LIGHT_SERVER = Path(__file__).with_name("light_server.py")
CONFIG = """
c = get_config()
c.JupyterHub.spawner_class = "yarn"
c.YarnSpawner.python_env = {python_env!r}
c.YarnSpawner.mem_limit = "256M"
c.YarnSpawner.cmd = [{light!r}]
c.YarnSpawner.contents_manager = ""
c.YarnSpawner.mount = "off"
c.YarnSpawner.status_interval = 0.5
c.Spawner.poll_interval = 1
c.Spawner.http_timeout = 120
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.JupyterHub.cleanup_servers = False
c.JupyterHub.allow_named_servers = True
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0, "slow_stop_timeout": 60}}
c.JupyterHub.services = [{{"name": "tests", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [{{"name": "tests", "services": ["tests"],
    "scopes": ["admin:users", "admin:servers", "access:servers", "tokens"]}}]
"""

#: With this a server is jupyter_server, without the time that JupyterLab takes to start.
REAL_SERVER = """
c.YarnSpawner.cmd = ["jupyterhub-singleuser"]
c.YarnSpawner.args = ["--allow-root"]
c.YarnSpawner.environment = {"JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp"}
"""

#: With this each start may bring configuration of its own, as `config` in its options. A hub of
#: many tests so has what one of them sets.
CONFIGURED_BY_STARTS = """
from traitlets.config import Config

def configure(spawner, options):
    of_this_start = Config()
    exec(options.get("config", ""), {"c": of_this_start})
    spawner.update_config(of_this_start)

c.YarnSpawner.apply_user_options = configure
c.JupyterHub.authenticate_prometheus = False
"""


def keytab_config(hadoop: MiniHadoop) -> str:
    """Return the configuration of a hub that has a keytab of a cluster with Kerberos."""
    principal, keytab = hadoop.login(HUB_USER)
    return f"c.YarnSpawner.principal = {principal!r}\nc.YarnSpawner.keytab = {str(keytab)!r}\n"


class Hub:
    """One hub: its folder holds its database, so that a new process continues the old one's."""

    def __init__(
        self, folder: Path, env: Mapping[str, str], extra_config: str = "", prefix: str = ""
    ) -> None:
        self.folder = folder
        self.env = {**os.environ, **env, "HADOOP_USER_NAME": HUB_USER}
        self._token = secrets.token_hex(16)
        # Two tests at once would find the same ports free, also while this hub is down.
        self._reserved = ExitStack()
        port, hub_port, proxy_port = self._reserved.enter_context(held_ports(3))
        self.url = f"http://127.0.0.1:{port}{prefix}"
        self.log_file = folder / "jupyterhub.log"
        self._log_start = 0
        self.config = folder / "jupyterhub_config.py"
        self.config.write_text(
            CONFIG.format(
                python_env=sys.prefix,
                light=str(LIGHT_SERVER),
                token=self._token,
                port=f"{port}{prefix}",
                hub_port=hub_port,
                proxy_port=proxy_port,
            )
            + extra_config
        )
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"token {self._token}"},
            timeout=PATIENCE_SECONDS,
            trust_env=False,
            # Of two threads one may take a connection that the other is just about to close.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until the hub answers."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "--debug", "-f", str(self.config)],
                env=self.env,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log()
            try:
                if self._http.get("/hub/health").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError("the hub did not start:\n" + self.log())

    @property
    def pid(self) -> int:
        """The hub's process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End the process at once, as a crash would; its proxy lives on and is found again."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def is_answering(self) -> bool:
        """Tell whether the hub answers through its proxy."""
        return self.get("/hub/health").is_success

    def is_dead(self) -> bool:
        """Tell whether the process has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def stop_process(self) -> None:
        """End the process in good order; it can be started again."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """End the process in good order, for the last time."""
        self.stop_process()
        self._http.close()
        self._reserved.close()

    def log(self) -> str:
        """Return the hub's log, of the current test if the hub is of many."""
        return self.log_file.read_bytes()[self._log_start :].decode(errors="replace")

    def begin_log(self) -> None:
        """Let `log` return only what the hub logs from now on."""
        self._log_start = self.log_file.stat().st_size

    def remove_users(self) -> None:
        """Stop all servers and delete all users."""
        self.stop_servers()
        for user in self.api("GET", "users"):
            self.api("DELETE", f"users/{user['name']}")

    def stop_servers(self) -> None:
        """Stop all servers."""
        for user in self.api("GET", "users?state=active"):
            for name in user["servers"]:
                self.stop_server(user["name"], name)

    def api(self, method: str, path: str, body: Any = None, *, ok: bool = True) -> Any:
        """Call the hub's REST API; returns the decoded answer."""
        response = self._http.request(method, f"/hub/api/{path}", json=body)
        assert response.is_success or not ok, f"{method} {path}: {response.text}\n{self.log()}"
        return response.json() if response.content else None

    def get(self, path: str) -> httpx.Response:
        """Get a page through the proxy."""
        return self._http.get(path)

    def post(self, path: str, body: Any) -> httpx.Response:
        """Send JSON to a page through the proxy."""
        return self._http.post(path, json=body)

    def request_server(
        self, user: str, name: str = "", options: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Ask for a server and follow its progress to the end; returns the events."""
        self.api("POST", f"users/{user}", ok=False)
        server = f"users/{user}/servers/{name}" if name else f"users/{user}/server"
        self.api("POST", server, options, ok=False)  # the progress tells of a refusal too
        return self.follow_progress(user, name)

    def follow_progress(self, user: str, name: str = "") -> list[dict[str, Any]]:
        """Follow the progress of a server that was asked for to its end; returns the events."""
        events = list(self.events(user, name))
        if not events:
            # What a failed start has left is just being ended: the reason is told after that.
            deadline = time.monotonic() + PATIENCE_SECONDS
            while self._server(user, name).get("pending") == "stop":
                assert time.monotonic() < deadline, self.log()
            events = list(self.events(user, name))
        return events

    def events(self, user: str, name: str = "") -> Iterator[dict[str, Any]]:
        """Yield each event of a start's progress as it comes, up to the last; none where the hub
        refuses to tell of it."""
        server = f"users/{user}/servers/{name}" if name else f"users/{user}/server"
        with self._http.stream("GET", f"/hub/api/{server}/progress") as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    yield (event := json.loads(line.removeprefix("data:")))
                    if event.get("ready") or event.get("failed"):
                        return

    def ask_for_server(self, user: str, config: str = "") -> None:
        """Ask for a server with configuration of its own, and wait for nothing."""
        self.api("POST", f"users/{user}")
        self.api("POST", f"users/{user}/server", {"config": config})

    def start_server(self, user: str, name: str = "", config: str = "") -> str:
        """Start a server, with configuration of its own if any; returns its application's id."""
        events = self.request_server(user, name, {"config": config} if config else None)
        assert events[-1].get("ready"), f"{events}\n{self.log()}"
        return self.application_of(user, name)

    def refuse_server(self, user: str, config: str = "") -> str:
        """Ask for a server that cannot start; returns what the user's page says."""
        events = self.request_server(user, options={"config": config} if config else None)
        assert events[-1].get("failed"), events
        return str(events[-1]["message"])

    def application_of(self, user: str, name: str = "") -> str:
        """Return the application's id, as the hub's database has it."""
        state = self.api("GET", f"users/{user}?include_stopped_servers")["servers"][name]["state"]
        return str(state["application_id"])

    def environment_of(self, user: str) -> dict[str, str]:
        """Return the environment of a light server."""
        environment: dict[str, str] = self.get(f"/user/{user}/environment").json()["environment"]
        return environment

    def stop_server(self, user: str, name: str = "") -> None:
        """Stop a server, and wait until it is gone."""
        server = f"users/{user}/servers/{name}" if name else f"users/{user}/server"
        self._http.delete(f"/hub/api/{server}").raise_for_status()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._server(user, name):
            assert time.monotonic() < deadline, self.log()

    def _server(self, user: str, name: str) -> dict[str, Any]:
        """Return what the hub says of a server; nothing where there is none."""
        return self.api("GET", f"users/{user}")["servers"].get(name, {})


@contextmanager
def culling(hub: Hub, token: str) -> Iterator[None]:
    """Have servers culled that are idle for 15 seconds, by a service of the hub with this token."""
    options = [f"--url={hub.url}/hub/api", "--timeout=15", "--cull-every=1"]
    culler = subprocess.Popen(
        [sys.executable, "-m", "jupyterhub_idle_culler", *options],
        env={**os.environ, "JUPYTERHUB_API_TOKEN": token},
    )
    try:
        yield
    finally:
        culler.terminate()
        culler.wait(60)


@contextmanager
def running_hub(folder: Path, env: Mapping[str, str], extra_config: str) -> Iterator[Hub]:
    """Run a hub until the block ends; its servers are gone then."""
    hub = Hub(folder, env, extra_config)
    try:
        hub.start()
        yield hub
        hub.stop_servers()
    finally:
        hub.stop()


class Person:
    """Somebody at the hub's pages: first at `page`; by default a hub without a form starts their
    server."""

    def __init__(self, hub: Hub, name: str, page: str = "") -> None:
        self.http = httpx.Client(
            base_url=hub.url,
            follow_redirects=True,
            timeout=PATIENCE_SECONDS,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self.http.get("/hub/login")
        self.post(f"/hub/login?next={page}", {"username": name, "password": "any"})

    def form_with_room(self, user: str) -> str:
        """The form, once it says what queue default has left; it does without, where YARN takes
        long to answer."""
        page = self.http.get(f"/hub/spawn/{user}").text
        return page if re.search(r"default \(\d+ of \d+ GiB free", page) else ""

    def post(self, path: str, form: dict[str, str]) -> httpx.Response:
        return self.http.post(path, data={**form, "_xsrf": self.http.cookies["_xsrf"]})
