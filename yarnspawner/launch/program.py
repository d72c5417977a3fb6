"""The program that a container runs: a zip of the application master's modules and of the launch's
private data, and the command line that starts it."""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
import zipfile
from collections.abc import Sequence
from functools import cache

from yarnspawner import container
from yarnspawner.container.payload import LAUNCH_MEMBER, Launch

#: Ends the name of an environment's archive that the container itself unpacks.
PACKED_SUFFIX = ".tar.gz"

#: The modules that `yarnspawner.container` imports from `hadoop_client`.
CLIENT_MODULES = (
    "hadoop_client.wire",
    "hadoop_client.rpc.blocking",
    "hadoop_client.rpc.call",
    "hadoop_client.rpc.connection",
    "hadoop_client.security.credentials",
    "hadoop_client.security.sasl",
    "hadoop_client.yarn.applicationmaster",
)


def container_sources() -> dict[str, str]:
    """Return the payload's modules, by member name.

    The packages' `__init__` modules are empty there, because ours import the hub's side.
    """
    own = [
        f"{container.__name__}.{module.name}" for module in pkgutil.iter_modules(container.__path__)
    ]
    modules = [*own, *CLIENT_MODULES]
    packages = {package for module in modules for package in _packages(module)}
    members = {_member(package) + "/__init__.py": "" for package in packages}
    sources = {module: inspect.getsource(importlib.import_module(module)) for module in modules}
    main = sources.pop(f"{container.__name__}.__main__")
    members |= {_member(module) + ".py": source for module, source in sources.items()}
    return members | {"__main__.py": main}


def _packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _member(module: str) -> str:
    return module.replace(".", "/")


@cache
def _program() -> bytes:
    """Return the payload without the launch, a zip."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, source in container_sources().items():
            archive.writestr(name, source)
    return data.getvalue()


def build_payload(launch: Launch) -> bytes:
    """Return the zip with the container's program and its private data."""
    data = io.BytesIO(_program())  # made once: compressing it takes 3 ms
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(LAUNCH_MEMBER, launch.to_json())
    return data.getvalue()


def container_command(python: str, *, packed: Sequence[str] = ()) -> str:
    """Return the container's command line, which runs the program in the token file.

    Archives of the `packed` directories are unpacked first, with tar: the node may have no Python
    before that.
    """
    # YARN puts the command between double quotes into a script. The escapes leave the variable and
    # its quotes to the inner shell. Without `site` (-S) the application master starts faster and
    # smaller; the server has it.
    token_file = r"\"\$HADOOP_TOKEN_FILE_LOCATION\""
    logs = "1><LOG_DIR>/stdout 2><LOG_DIR>/stderr"
    return f"{unpack_command(packed, logs)}exec {python} -E -S {token_file} {logs}"


def unpack_command(packed: Sequence[str], logs: str = "") -> str:
    """Return the commands that unpack environments; they end with `&&`."""
    return "".join(
        f"mkdir {link} && tar -xzf {link}{PACKED_SUFFIX} -C {link} --no-same-owner {logs} && "
        for link in packed
    )
