"""The cost of the modules that each container gets as source, compiles and imports."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import hadoop_client
from yarnspawner.launch.program import CLIENT_MODULES

FOLDER = Path(hadoop_client.__file__).parent


def test_importing_them_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(FOLDER.parent)!r})\n"
        "import hadoop_client.rpc.blocking, hadoop_client.yarn.applicationmaster\n"
        "print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, check=True)
    loaded = set(run.stdout.decode().split())
    heavy = {"asyncio", "ssl", "http", "email", "logging", "urllib", "xml", "subprocess", "uuid"}
    assert "hadoop_client.rpc.connection" in loaded
    assert not loaded & heavy
    modules = {name for name in loaded if name.startswith("hadoop_client.")}
    packages = {"hadoop_client.rpc", "hadoop_client.security", "hadoop_client.yarn"}
    assert modules - packages == set(CLIENT_MODULES)


def test_their_source_stays_small() -> None:
    sources = [importlib.util.find_spec(name).origin for name in CLIENT_MODULES]
    assert sum(Path(source).stat().st_size for source in sources) < 52_000
