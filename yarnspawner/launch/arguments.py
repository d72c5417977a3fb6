"""The command line of servers: our defaults, and the arguments of the configuration. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

#: The programs that start JupyterLab.
LAB_PROGRAMS = ("jupyterhub-singleuser", "jupyter-labhub", "jupyter-lab")

#: JupyterLab's options on a cluster. Extensions come with the environment: an installation would
#: end with the server, or change the copy of the environment that all users of a node share.
LAB_DEFAULTS = {"LabApp.extension_manager": "readonly"}


def lab_defaults(command: Sequence[str]) -> Mapping[str, str]:
    """Return the defaults of a server's options; none if its command does not start JupyterLab."""
    return LAB_DEFAULTS if PurePath(command[0]).name in LAB_PROGRAMS else {}


def with_defaults(defaults: Mapping[str, str], arguments: Sequence[str]) -> list[str]:
    """Return the arguments after those `defaults` that they do not set.

    A traitlets application ends if an option that takes one value is given twice.
    """
    missing = {name: value for name, value in defaults.items() if not _is_set(name, arguments)}
    return [*(f"--{name}={value}" for name, value in missing.items()), *arguments]


def _is_set(option: str, arguments: Sequence[str]) -> bool:
    return any(argument.partition("=")[0] == f"--{option}" for argument in arguments)


def option_value(arguments: Sequence[str], option: str) -> str | None:
    """Return the value of a traitlets option on a command line, the last one if it is repeated."""
    value = None
    for argument, following in zip(arguments, [*arguments, None][1:], strict=True):
        name, equals, rest = argument.partition("=")
        if name == f"--{option}":
            value = rest if equals else following
    return value
