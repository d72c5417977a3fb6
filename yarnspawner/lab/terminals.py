"""The shell of JupyterLab's terminals."""

from __future__ import annotations

from collections.abc import Mapping
from shutil import which

#: Starts the shell `$2` in a login shell, with `$1` first in the search path.
_SCRIPT = 'PATH="$1:$PATH"; export PATH; exec "$2"'


def shell_command(environment: Mapping[str, str]) -> list[str]:
    """Return the command of a terminal in which the programs are those of a notebook's `!command`.

    jupyter_server starts a login shell, because the variables of the node's /etc/profile help. But
    Debian's sets another PATH, in which `python` and `pip` are the node's. YARN sets no SHELL, and
    Debian's sh has neither history nor completion.
    """
    path = environment["PATH"]
    shell = environment.get("SHELL") or which("bash", path=path) or "sh"
    return ["sh", "-l", "-c", _SCRIPT, "sh", path, shell]
