"""More environments of one server, each as a kernel that Lab offers. Pure: no I/O.

A kernel's interpreter is in the container, at a place that only the container knows. So its spec
starts a script that lies beside it and finds the environment from there, puts the environment's
`bin` first in PATH, and runs what its packages run when they are activated.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable

from yarnspawner.failures import OptionsError

#: Where in the container's folder the specs are; in JUPYTER_PATH.
FOLDER = "kernels"

_START = """prefix={prefix}
export CONDA_PREFIX="$prefix" PATH="$prefix/bin:$PATH"
for script in "$prefix"/etc/conda/activate.d/*.sh; do
  [ ! -r "$script" ] || . "$script"
done
exec "$prefix/bin/python" -m ipykernel_launcher -f "$1"
"""


def check_titles(titles: Iterable[str]) -> None:
    """Refuse what could not be told apart, as its name is all that a spec is known by."""
    seen: dict[str, str] = {}
    for title in titles:
        name = kernel_name(title)
        if name in seen:
            raise OptionsError(
                f"c.YarnSpawner.extra_envs has {seen[name]!r} and {title!r}, which are too much "
                "alike: an administrator has to name one of them otherwise."
            )
        seen[name] = title


def kernel_name(title: str) -> str:
    """Return the name that Jupyter knows a kernel by: letters, digits and hyphens."""
    return "yarnhub-" + (re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "env")


def kernel_files(title: str, python: str) -> dict[str, bytes]:
    """Return a spec and its script, by their paths in the container's folder.

    `python` is the interpreter's path, relative to that folder unless it is on every node.
    """
    folder = f"{FOLDER}/kernels/{kernel_name(title)}"
    prefix = python.removesuffix("/bin/python")
    place = shlex.quote(prefix)
    if not prefix.startswith("/"):
        up = "../" * (folder.count("/") + 1)
        place = f'"$(cd "$(dirname "$0")"/{up}{place} && pwd)"'
    spec = {
        "argv": ["bash", "{resource_dir}/start", "{connection_file}"],
        "display_name": title,
        "language": "python",
        "metadata": {"debugger": True},
    }
    return {
        f"{folder}/kernel.json": json.dumps(spec).encode(),
        f"{folder}/start": _START.format(prefix=place).encode(),
    }
