"""The archive for machines without internet: made here, installed and run without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = "{}.{}".format(*sys.version_info)
MACHINE = os.uname().machine

#: Brings the namespace's loopback up, starts a hub with its proxy, and gets the log-in page.
RUN_A_HUB = """
import fcntl, os, socket, struct, subprocess, sys, time, urllib.request
with socket.socket() as control:  # as `ip link set lo up` does
    fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 1))
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError as error:
    assert error.strerror == "Network is unreachable", error
bin = sys.argv[1]
hub = subprocess.Popen([f"{bin}/jupyterhub", "--JupyterHub.spawner_class=yarn"])
try:
    for _ in range(600):
        assert hub.poll() is None
        try:
            page = urllib.request.urlopen("http://127.0.0.1:8000/hub/login", timeout=30).read()
            break
        except OSError:
            time.sleep(0.1)
    assert b"Sign in" in page
finally:
    hub.terminate()
    hub.wait(60)
"""

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm fetches the proxy"),
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    options = ["--python", PYTHON, "--arch", MACHINE, "--output", folder]
    done = subprocess.run(
        [ROOT / "scripts" / "bundle", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture
def unpacked(archive: Path, tmp_path: Path) -> Path:
    subprocess.run(["tar", "xzf", archive, "-C", tmp_path], check=True)
    (folder,) = tmp_path.iterdir()
    return folder


def without_network(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a network namespace of its own, without pip's and Python's settings."""
    names = ("PIP_", "PYTHON")
    environment = {name: v for name, v in os.environ.items() if not name.startswith(names)}
    # The proxy is found beside the hub. Neither Node.js nor the proxy of this machine is.
    environment["PATH"] = f"{cwd / 'hub' / 'bin'}:/usr/bin:/bin"
    # With its own PIDs, so that the proxy ends with the hub's parent.
    unshare = ["unshare", "--net", "--pid", "--fork", "--kill-child"]
    unshare += [] if os.geteuid() == 0 else ["--map-root-user"]
    return subprocess.run(
        [*unshare, *command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_the_hub_and_its_proxy_run_where_there_is_no_network(unpacked: Path, tmp_path: Path):
    target = tmp_path / "hub"
    done = without_network(unpacked / "install", target, sys.executable, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[0].startswith("yarnhub ")
    program = (target / "bin" / "configurable-http-proxy").read_text()
    assert str(target / "lib") in program
    shutil.rmtree(unpacked)  # the installation needs it no longer
    done = without_network(sys.executable, "-c", RUN_A_HUB, target / "bin", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = without_network(target / "bin" / "yarnhub", "pack-env", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_damaged_archive_and_another_target_are_refused(unpacked: Path, tmp_path: Path):
    def refusal() -> str:
        done = without_network(unpacked / "install", tmp_path / "hub", sys.executable, cwd=tmp_path)
        assert done.returncode == 1
        assert not (tmp_path / "hub").exists()
        return done.stderr.splitlines()[-1]

    target = unpacked / "target"
    right = target.read_text()
    for wanted, sentence in {
        f"wanted_python={PYTHON}": f"This archive is for Python 3.99, and {sys.executable} is",
        "wanted_glibc=2.28": "This archive needs glibc 3.99 or later, and this machine has glibc",
        f"wanted_arch={MACHINE}": "This archive is for 3.99, and this machine is",
    }.items():
        assert wanted in right
        target.write_text(right.replace(wanted, f"{wanted.partition('=')[0]}=3.99"))
        assert sentence in refusal()
    target.write_text(right)
    wheel = next((unpacked / "wheels").glob("traitlets-*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"x")
    assert "Files of this archive are damaged or missing" in refusal()
