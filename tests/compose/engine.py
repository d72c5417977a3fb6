"""A Docker for tests: the one that runs here, else one of our own, which ends with the tests.

Nothing has to be pulled where that can't be: the base image is then made of Debian's packages. It
also carries what this machine needs to reach the package registries (certificates, a proxy, an
index), so that the Dockerfile doesn't have to know of it.

Of an engine of our own its rules in the kernel's packet filter stay, as at each end of Docker.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DEFAULT_BASE = "debian:12-slim"
OWN_BASE = "yarnhub-test-base"
PULL_TIMEOUT_SECONDS = 60
CERTIFICATES = "usr/local/share/ca-certificates"

#: What programs are told of the way to the registries.
OF_THE_MACHINE = (
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("PIP_CERT", "PIP_INDEX_URL", "NODE_EXTRA_CA_CERTS"),
)

Environment = Mapping[str, str]


def run(command: list[str], environment: Environment, **options: Any):
    """Run a command and return what became of it, with its output as text."""
    options = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, **options}
    return subprocess.run(command, env=environment, **options)


def is_done(command: list[str], environment: Environment, timeout: float | None = None) -> bool:
    try:
        return run(command, environment, timeout=timeout).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


@contextmanager
def docker_engine(folder: Path, wait_until: Callable[..., Any]) -> Iterator[dict[str, str]]:
    """Yield the environment in which `docker` finds an engine; skips the tests without one."""
    environment = dict(os.environ)
    if not shutil.which("docker"):
        pytest.skip("there is no docker here (Debian: apt install docker.io docker-compose)")
    if is_done(["docker", "info"], environment):
        yield environment
        return
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        pytest.skip("no Docker engine answers, and to start one takes root and dockerd")
    socket = f"unix://{folder}/socket"
    command = ["dockerd", "--host", socket, "--pidfile", f"{folder}/pid"]
    command += ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
    environment["DOCKER_HOST"] = socket
    bridge = Path("/sys/class/net/docker0")
    had_bridge = bridge.exists()
    log = folder / "log"
    with log.open("wb") as output:
        engine = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(
            lambda: engine.poll() is not None or is_done(["docker", "info"], environment),
            60,
            "a Docker engine of our own",
        )
        if engine.poll() is not None:
            end = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
            pytest.skip(f"no Docker engine can be started here:\n{end}")
        yield environment
    finally:
        engine.terminate()
        engine.wait()
        shutil.rmtree(folder / "data", ignore_errors=True)
        if bridge.exists() and not had_bridge:
            is_done(["ip", "link", "delete", bridge.name], environment)


def compose_command(environment: Environment) -> list[str]:
    """Return what `docker compose` is called here."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if is_done([*command, "version"], environment):
            return command
    pytest.skip("there is no docker compose here (Debian: apt install docker-compose)")


def base_image(folder: Path, environment: Environment) -> str:
    """Return the name of a Debian that the image can be built on."""
    for command in (["image", "inspect", DEFAULT_BASE], ["pull", "--quiet", DEFAULT_BASE]):
        if is_done(["docker", *command], environment, PULL_TIMEOUT_SECONDS):
            return DEFAULT_BASE
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip(f"{DEFAULT_BASE} can't be pulled, and to make it takes root and debootstrap")
    root = folder / "root"
    try:
        run(["debootstrap", "--variant=minbase", "bookworm", str(root)], os.environ, check=True)
        shutil.copytree(f"/{CERTIFICATES}", root / CERTIFICATES, dirs_exist_ok=True)
        known = [f"ENV {name}={os.environ[name]}" for name in OF_THE_MACHINE if name in os.environ]
        changes = [option for change in known for option in ("--change", change)]
        tar = subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE)
        run(
            ["docker", "import", *changes, "-", OWN_BASE], environment, stdin=tar.stdout, check=True
        )
        assert tar.wait() == 0
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return OWN_BASE
