"""The container's modules run on Python 3.8, and older ones get one sentence."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from yarnspawner.container.payload import Launch
from yarnspawner.launch.program import build_payload, container_sources
from yarnspawner.yarn_messages import NOT_STARTED

#: Standard library of Python 3.9 and later, which the sources must not use.
NEWER = (
    "removeprefix",
    "removesuffix",
    "functools.cache",
    "to_thread",
    "strict=True",
    "slots=True",
    "socket.recv_fds",
)


def interpreters() -> Iterator[tuple[tuple[int, int], str]]:
    """Find the Pythons of this machine, on the PATH and in pyenv: the tests use all of them."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    folders = [*versions.glob("*/bin"), *map(Path, os.environ["PATH"].split(os.pathsep))]
    seen = set()
    for folder in folders:
        for version in ((2, 7), (3, 6), (3, 7), (3, 8), (3, 9)):
            program = folder / "python{}.{}".format(*version)
            if version not in seen and "shims" not in program.parts and program.exists():
                seen.add(version)
                yield version, str(program)


FOUND = dict(interpreters())


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("payload") / "container_tokens"
    file.write_bytes(build_payload(Launch(["x"], {}, [])))
    return file


@pytest.mark.parametrize("name", sorted(container_sources()))
def test_the_syntax_and_the_library_are_those_of_3_8(name: str) -> None:
    source = container_sources()[name]
    ast.parse(source, feature_version=(3, 8))
    assert not [word for word in NEWER if word in source]


@pytest.mark.parametrize("version", [version for version in FOUND if version >= (3, 8)])
def test_all_modules_can_be_imported(version: tuple[int, int], program: Path) -> None:
    modules = [
        name.removesuffix(".py").replace("/", ".")
        for name in container_sources()
        if not name.endswith(("__init__.py", "__main__.py"))
    ]
    code = f"import sys; sys.path.insert(0, {str(program)!r}); import {', '.join(modules)}"
    run(FOUND[version], "-c", code).check_returncode()


#: A login with a token, by the example of RFC 2831, with Hadoop's strongest protection.
LOG_IN = """
from hadoop_client.security.sasl import DigestMd5
client = DigestMd5("chris", "secret", "imap/elwood.innosoft.com", "OA6MHXh6VqTrRk")
client.step(b'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth-conf",cipher="rc4"')
assert client.layered
client.wrap(b"request")
"""


#: An application master whose server mounts nothing: its environment has no hdfs_contents.mount.
NO_MOUNT = """
import socket
from yarnspawner.container.mount_daemon import MountDaemon
ours, servers = socket.socketpair()
servers.close()
daemon = MountDaemon(ours, {})
daemon.tick()
assert daemon.pid is None
"""


@pytest.mark.parametrize("version", [version for version in FOUND if version >= (3, 8)])
@pytest.mark.parametrize("code", [LOG_IN, NO_MOUNT], ids=["log-in", "no-mount"])
def test_what_runs_in_each_container_needs_no_newer_python(
    code: str, version: tuple[int, int], program: Path
) -> None:
    imports = f"import sys; sys.path.insert(0, {str(program)!r})\n"
    run(FOUND[version], "-c", imports + code).check_returncode()


@pytest.mark.parametrize("version", [version for version in FOUND if version < (3, 8)])
def test_an_older_python_says_so_in_one_sentence(version: tuple[int, int], program: Path) -> None:
    done = run(FOUND[version], str(program))
    assert done.returncode == 1
    assert NOT_STARTED.fullmatch(done.stderr.strip())
    assert "is version {}.{}, and 3.8 or later is needed".format(*version) in done.stderr


def test_the_guard_itself_is_read_by_any_python(program: Path) -> None:
    source = container_sources()["__main__.py"]
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert all(not function.returns for function in functions)
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.JoinedStr, ast.AnnAssign))]
    code = "import sys; sys.version_info = (3, 7); sys.argv[0] = sys.argv[1]; import runpy\n"
    code += "runpy.run_path(sys.argv[1], run_name='__main__')"
    done = run(sys.executable, "-c", code, str(program))
    assert "is version 3.7, and 3.8 or later is needed" in done.stderr


def run(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-E", "-S", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
