"""What the modules cost that each container gets as source, compiles and imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yarnspawner.hadoop

FOLDER = Path(yarnspawner.hadoop.__file__).parent
MODULES = ["wire", "credentials", "sasl", "rpc", "connection", "blocking", "applicationmaster"]


def test_importing_them_loads_nothing_heavy() -> None:
    program = (
        "import sys, types\n"
        "package = types.ModuleType('yarnspawner')\n"  # its own __init__ is the hub's side
        f"package.__path__ = [{str(FOLDER.parent)!r}]\n"
        "sys.modules['yarnspawner'] = package\n"
        "import yarnspawner.hadoop.blocking, yarnspawner.hadoop.applicationmaster\n"
        "print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, check=True)
    loaded = set(run.stdout.decode().split())
    heavy = {"asyncio", "ssl", "http", "email", "logging", "urllib", "xml", "subprocess", "uuid"}
    assert "yarnspawner.hadoop.connection" in loaded
    assert not loaded & heavy
    assert not {name for name in loaded if name.startswith("yarnspawner.hadoop.r")} - {
        "yarnspawner.hadoop.rpc"
    }


def test_their_source_stays_small() -> None:
    sizes = {name: (FOLDER / f"{name}.py").stat().st_size for name in MODULES}
    assert sum(sizes.values()) < 50_000
