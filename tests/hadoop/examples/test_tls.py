"""The hub's proxy speaks TLS with what docs/tls.md says first."""

from __future__ import annotations

import re
import shlex
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

PAGE = Path(__file__).parents[3] / "docs" / "tls.md"
CERTIFICATE = shlex.split("openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost")


def test_browsers_reach_the_hub_by_tls_only(
    ports: list[int], tmp_path: Path, wait_until: Callable[..., Any]
):
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "hub.key", "-out", "hub.crt"]
    subprocess.run([*CERTIFICATE, *names], cwd=tmp_path, check=True, capture_output=True)
    port, hub_port, proxy_port = ports
    documented = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)[0]
    config = documented.replace(":443", f"localhost:{port}").replace("/etc/pki", str(tmp_path))
    assert config.count(str(tmp_path)) == 2
    (tmp_path / "jupyterhub_config.py").write_text(
        f"{config}c.JupyterHub.hub_port = {hub_port}\n"
        f"c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{proxy_port}'\n"
        "c.JupyterHub.authenticator_class = 'dummy'\nc.Authenticator.allow_all = True\n"
    )
    with (tmp_path / "log").open("wb") as log:
        hub = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub"], cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "hub.crt"))
        address = f"https://localhost:{port}/hub/login"
        wait_until(lambda: hub.poll() is not None or answers(address, trusted), 60, "the hub")
        assert hub.poll() is None, (tmp_path / "log").read_text()
        assert not answers(address, ssl.create_default_context())
        assert not answers(address.replace("https", "http"), trusted)
    finally:
        hub.terminate()
        hub.wait(60)


def answers(address: str, trusted: ssl.SSLContext) -> bool:
    try:
        return httpx.get(address, verify=trusted, trust_env=False).is_success
    except httpx.TransportError:
        return False
