"""The demo's JupyterHub: its configuration and its process."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat

import httpx

from hadoop_client.python_module import module_command
from yarnhub.errors import ToolError
from yarnhub.minihadoop.ports import held_ports
from yarnhub.minihadoop.processes import DAEMON

READY_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 60.0

CONFIG = """\
# Written by `yarnhub demo`. A real edge node needs the same, but another authenticator.
c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.YarnSpawner.python_env = {python_env!r}
c.YarnSpawner.extra_envs = {kernels!r}
c.YarnSpawner.mem_limit = "1G"
c.YarnSpawner.args = {args!r}
c.YarnSpawner.profiles = {profiles}

# One password for all users: for a demo only.
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {password!r}
c.Authenticator.allowed_users = {users!r}
c.Authenticator.admin_users = {admins!r}

c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.JupyterHub.db_url = "sqlite:///{folder}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
# No server outlives the demo.
c.JupyterHub.cleanup_servers = True
"""

#: The title of the second environment's kernel in JupyterLab.
KERNEL_TITLE = "Analysis"

#: The profile of a server as the demo's check starts it.
PROFILE = "small"

KERBEROS = """
c.YarnSpawner.principal = {principal!r}
c.YarnSpawner.keytab = {keytab!r}
"""


class DemoError(ToolError):
    """The demo, or its end-to-end check, failed."""


class PortTakenError(DemoError):
    """The port is in use by another program."""

    exit_code = 5


@dataclass(frozen=True)
class DemoHubSettings:
    """The settings that differ between runs of the demo's hub. The first user is an administrator.

    `kernel_env` is the path of an environment without JupyterHub, for kernels. Every node has it,
    because all nodes are this machine.
    """

    port: int
    password: str
    users: tuple[str, ...]
    python_env: str
    kernel_env: str
    folder: Path

    #: The hub's principal and keytab, with Kerberos.
    login: tuple[str, Path] | None = None

    @property
    def config(self) -> Path:
        """The hub's configuration file."""
        return self.folder / "jupyterhub_config.py"

    @property
    def url(self) -> str:
        """The address that users log in at."""
        return f"http://127.0.0.1:{self.port}"

    def render(self, proxy: str, hub_port: int, proxy_port: int) -> str:
        """Return the text of the hub's jupyterhub_config.py."""
        # The embedded Hadoop runs containers as the user who started it.
        args = ["--allow-root"] if os.geteuid() == 0 else []
        config = CONFIG.format(
            python_env=self.python_env,
            kernels={KERNEL_TITLE: self.kernel_env},
            profiles=pformat(profiles(self.kernel_env), sort_dicts=False),
            admins=set(self.users[:1]),
            args=args,
            password=self.password,
            users=set(self.users),
            url=self.url,
            hub_port=hub_port,
            proxy_port=proxy_port,
            proxy=proxy,
            folder=self.folder,
        )
        if self.login is None:
            return config
        principal, keytab = self.login
        return config + KERBEROS.format(principal=principal, keytab=str(keytab))


def profiles(kernel_env: str) -> list[dict[str, object]]:
    """Return the profiles of the demo. No server can start in `kernel_env`."""
    return [
        {
            "name": PROFILE,
            "display_name": "Small",
            "description": "1 GiB and one core.",
            "memory": "1G",
            "cores": 1,
        },
        {
            "name": "custom",
            "display_name": "Your own size",
            "description": "Try more memory than this Hadoop has.",
            "memory": {"min": "512M", "max": "64G", "default": "1G"},
            "cores": {"max": 2},
            "gpus": {"max": 1},
        },
        {
            "name": "broken",
            "display_name": "Fails on purpose",
            "description": "Its environment has no JupyterHub. See what the hub says.",
            "environment": kernel_env,
        },
        {
            "name": "large",
            "display_name": "Large",
            "description": "More than this Hadoop has.",
            "memory": "1T",
        },
    ]


def find_proxy() -> str:
    """Return the path of configurable-http-proxy."""
    proxy = shutil.which("configurable-http-proxy")
    if proxy is None:
        raise DemoError(
            "configurable-http-proxy is not on the PATH: install it with "
            "`npm install -g configurable-http-proxy@4.6.3`."
        )
    return proxy


def check_port(port: int) -> None:
    """Refuse a port that is in use, before anything is started. Raises PortTakenError."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortTakenError(
                f"Port {port} cannot be used ({error.strerror}): choose another with --port."
            ) from error


@contextmanager
def running_hub(settings: DemoHubSettings) -> Iterator[subprocess.Popen[bytes]]:
    """Run a ready hub and its proxy inside the context."""
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = settings.config
    config.touch(mode=0o600)
    log_file = settings.folder / "jupyterhub.log"
    with ExitStack() as undo:
        with held_ports(2) as ports:
            config.write_text(settings.render(find_proxy(), *ports))
            hub = _start(config, log_file)
            undo.callback(_end, hub)
            if not _answers(settings.url, hub):
                tail = "\n".join(log_file.read_text(errors="replace").splitlines()[-15:])
                raise DemoError(f"JupyterHub did not start. The last lines of its log:\n{tail}")
        yield hub


def _start(config: Path, log_file: Path) -> subprocess.Popen[bytes]:
    with log_file.open("wb") as log:
        return subprocess.Popen(
            module_command(sys.executable, "jupyterhub", "-f", str(config)),
            cwd=config.parent,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            # Marks it as a daemon of the cluster, which ends with it even if we are killed.
            env={**os.environ, DAEMON: f"{config.parent}"},
            start_new_session=True,  # Ctrl-C reaches only this process, which ends the hub.
        )


def _answers(url: str, hub: subprocess.Popen[bytes]) -> bool:
    """Wait until the hub answers through its proxy; returns False if it ended or timed out."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    with httpx.Client(trust_env=False) as http:
        while hub.poll() is None and time.monotonic() < deadline:
            try:
                if http.get(f"{url}/hub/health").is_success:
                    return True
            except httpx.TransportError:
                pass  # The proxy is not up yet.
            time.sleep(0.1)
    return False


def _end(hub: subprocess.Popen[bytes]) -> None:
    """End the hub, which stops its servers and its proxy; kill it after a timeout."""
    if hub.poll() is None:
        hub.terminate()
        try:
            hub.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(hub.pid, signal.SIGKILL)
            hub.wait()
