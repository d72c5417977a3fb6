"""Further environments of a server, each as a kernel in JupyterLab. Pure: no I/O.

The absolute path of a kernel's interpreter is known in the container only. The kernel spec
therefore starts a script next to it, which finds the environment relative to itself, puts its `bin`
first in PATH, and runs its packages' activation scripts. Packages that the user has installed are
for the server's own environment.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable

from yarnspawner.failures import OptionsError
from yarnspawner.launch.interpreter import LISTS, without_directory

#: The specs' directory, relative to the container's; it is in JUPYTER_PATH.
KERNELS_DIRECTORY = "kernels"

#: In a spec's metadata: the environment's path, relative to the spec's directory or absolute.
PREFIX_KEY = "yarnhub_prefix"

_, *_ARGUMENTS = without_directory(["python", "-m", "ipykernel_launcher"])

#: Activation scripts run away from the notebook, and often leave empty entries in lists.
_START = """unset PYTHONUSERBASE PIP_USER
prefix={prefix}
directory=$PWD
cd "$prefix" || exit
export CONDA_PREFIX="$prefix" PATH="$prefix/bin:$PATH"
for script in "$prefix"/etc/conda/activate.d/*.sh; do
  [ ! -r "$script" ] || . "$script"
done
for name in {lists}; do
  kept= rest="${{!name-}}:"
  while [ -n "$rest" ]; do
    entry="${{rest%%:*}}" rest="${{rest#*:}}"
    case $entry in "" | .) ;; *) kept="${{kept:+$kept:}}$entry" ;; esac
  done
  [ -z "${{!name-}}" ] || export "$name=$kept"
done
cd "$directory" || exit
exec "$prefix/bin/python" {arguments} -f "$1"
"""


def check_titles(titles: Iterable[str]) -> None:
    """Refuse two titles that give one kernel name, because Jupyter keeps one spec for each name."""
    seen: dict[str, str] = {}
    for title in titles:
        name = kernel_name(title)
        if name in seen:
            raise OptionsError(
                f"c.YarnSpawner.extra_envs has {seen[name]!r} and {title!r}, which give the same "
                "kernel name. Ask an administrator to rename one of them."
            )
        seen[name] = title


def kernel_name(title: str) -> str:
    """Return a kernel's name in Jupyter: letters, digits and hyphens."""
    return "yarnhub-" + (re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "env")


def kernel_files(title: str, python: str) -> dict[str, bytes]:
    """Return a spec and its script, by their paths in the container's directory.

    `python` is the interpreter's path: relative to that directory, or absolute if every node has
    it.
    """
    directory = f"{KERNELS_DIRECTORY}/kernels/{kernel_name(title)}"
    prefix = python.removesuffix("/bin/python")
    quoted_prefix = shlex.quote(prefix)
    if not prefix.startswith("/"):
        up = "../" * (directory.count("/") + 1)
        quoted_prefix = f'"$(cd "$(dirname "$0")"/{up}{quoted_prefix} && pwd)"'
        prefix = up + prefix
    spec = {
        "argv": ["bash", "{resource_dir}/start", "{connection_file}"],
        "display_name": title,
        "language": "python",
        "metadata": {"debugger": True, PREFIX_KEY: prefix},
    }
    start = _START.format(
        prefix=quoted_prefix, lists=" ".join(LISTS), arguments=shlex.join(_ARGUMENTS)
    )
    return {
        f"{directory}/kernel.json": json.dumps(spec).encode(),
        f"{directory}/start": start.encode(),
    }
