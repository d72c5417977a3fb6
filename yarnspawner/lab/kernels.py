"""Kernels: the server's connections to them, and the directory in which they start.

Other users have the node too, and write to directories. Jupyter's defaults are those of a machine
with one user:

- A kernel's ports on the loopback address need no key, so each account of the node reads what the
  kernel prints.
- A kernel starts in the directory of its notebook, and Python imports modules from there. So a
  module next to a notebook runs when the notebook is opened, before any cell.
"""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from yarnspawner.launch.interpreter import LISTS, without_directory
from yarnspawner.launch.kernels import PREFIX_KEY

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from traitlets.config import Configurable

#: The option of jupyter_server, such as 2.21, that encrypts with CurveZMQ.
ENCRYPTION = "transport_encryption"

#: In a spec's metadata: the encryption that the kernel can do.
SUPPORTED = "supported_encryption"

#: Milliseconds between attempts to connect to a kernel that does not listen yet; ZeroMQ adds up to
#: as many again. With its default, 100, jupyter_server's connection for a kernel's state is often
#: later than its first answer. jupyter_server then asks again half a second later.
RECONNECT_MS = 20


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


def secure_specs(specs: KernelSpecManager) -> None:
    """Start Python kernels without the working directory on their path, and let those of other
    environments encrypt if they can.

    IPython adds the directory after it has loaded its own modules, for the user's code.
    """
    get_kernel_spec = specs.get_kernel_spec

    def get_secure_spec(kernel_name: str) -> KernelSpec:
        spec = get_kernel_spec(kernel_name)
        spec.argv = without_directory(spec.argv)
        leave_out_working_directory(spec.env)
        spec.metadata |= encryption_of(spec)
        return spec

    specs.get_kernel_spec = get_secure_spec  # type: ignore[method-assign]


def encryption_of(spec: KernelSpec) -> dict[str, object]:
    """Return what the ipykernel of another environment declares in its own spec: its encryption."""
    prefix = spec.metadata.get(PREFIX_KEY)
    if prefix is None:
        return {}
    own = Path(spec.resource_dir, prefix, "share/jupyter/kernels/python3/kernel.json")
    try:
        return {SUPPORTED: json.loads(own.read_text())["metadata"][SUPPORTED]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def leave_out_working_directory(variables: MutableMapping[str, str]) -> None:
    """Take the working directory out of these variables' lists of directories."""
    for name in LISTS:
        if variables.get(name):
            parts = variables[name].split(os.pathsep)
            variables[name] = os.pathsep.join(part for part in parts if part not in ("", "."))
