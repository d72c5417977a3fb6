"""Kernels: the server's connections to them, and the directory in which they start.

Other users have the node too, and write to directories. Jupyter's defaults are those of a machine
with one user:

- A kernel's ports on the loopback address need no key, so each account of the node reads what the
  kernel prints.
- A kernel starts in the directory of its notebook, and Python imports modules from there. So a
  module next to a notebook runs when the notebook is opened, before any cell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from traitlets.config import Configurable

#: The option of jupyter_server, such as 2.21, that encrypts with CurveZMQ.
ENCRYPTION = "transport_encryption"

#: Milliseconds between attempts to connect to a kernel that does not listen yet; ZeroMQ adds up to
#: as many again. With its default, 100, jupyter_server's connection for a kernel's state is often
#: later than its first answer. jupyter_server then asks again half a second later.
RECONNECT_MS = 20

#: Runs a module as `python -m` does, without the working directory on the path.
_RUN = (
    "import sys; sys.path[:] = filter(None, sys.path); import runpy; "
    "runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
)


def encrypt_connections(kernels: Configurable) -> None:
    """Encrypt the connections to kernels that can do it, unless the option is set.

    `kernels` is the server's manager of kernels.
    """
    if not kernels.has_trait(ENCRYPTION):
        return
    sections = [kernels.config.get(kind.__name__, {}) for kind in type(kernels).__mro__]
    if any(ENCRYPTION in section for section in sections):
        return
    import zmq

    if zmq.has("curve"):
        kernels.set_trait(ENCRYPTION, "auto")


def connect_quickly(kernels: Configurable) -> None:
    """Let a server connect to each kernel as soon as it listens.

    `kernels` is the server's manager of kernels.
    """
    import zmq

    if isinstance(context := getattr(kernels, "context", None), zmq.Context):
        context.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)


def import_nothing_beside_notebooks(specs: KernelSpecManager) -> None:
    """Start Python kernels without the working directory on their path.

    IPython adds the directory after it has loaded its own modules, for the user's code.
    """
    get_kernel_spec = specs.get_kernel_spec

    def get_safe_spec(kernel_name: str) -> KernelSpec:
        spec = get_kernel_spec(kernel_name)
        spec.argv = without_directory(spec.argv)
        return spec

    specs.get_kernel_spec = get_safe_spec  # type: ignore[method-assign]


def without_directory(argv: list[str]) -> list[str]:
    """Return a command that runs a module by `python -m` without the working directory."""
    match argv:
        case [python, "-m", module, *rest] if re.search(r"python[\d.]*$", python):
            return [python, "-c", _RUN.format(module=module), *rest]
    return argv
