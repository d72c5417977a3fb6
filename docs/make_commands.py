"""Writes docs/commands.md: all commands of `yarnhub`, as typer knows them.

python docs/make_commands.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import Any

import typer

# Of this tree, and not of the copy that is installed, which may be an older one.
sys.path.insert(0, str(Path(__file__).parents[1]))
from yarnhub.cli import app

PAGE = Path(__file__).with_name("commands.md")
HEAD = """# Reference of commands

<!-- Written by docs/make_commands.py from the commands themselves: edit those. -->

Each command has `--help`, which says the same. `yarnhub --version` prints the version. [The tool on
the edge node](tool.md) has examples.

"""


def commands() -> str:
    """Return the page."""
    root = typer.main.get_command(app)
    return f"{HEAD}{fill(root.epilog or '', 100)}\n" + "".join(_sections(root, "yarnhub"))


def _sections(command: Any, name: str) -> Iterator[str]:
    """Yield the text of a command, or that of all commands of a group."""
    inside = getattr(command, "commands", {})
    for word in sorted(inside):
        yield from _sections(inside[word], f"{name} {word}")
    if not inside:
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        usage = " ".join([name, "[OPTIONS]", *map(_usage, arguments)])
        yield f"\n## {name}\n\n    {usage}\n\n{_prose(command.help)}\n"
        yield from _table(command.params)


def _table(parameters: list[Any]) -> Iterator[str]:
    described = [parameter for parameter in parameters if parameter.help]
    if described:
        yield "\n| | |\n|---|---|\n"
    for parameter in described:
        text = _prose(parameter.help).replace("\n", " ").replace("|", "\\|")
        yield f"| `{_names(parameter)}` | {text}{_extras(parameter, text)} |\n"


def _usage(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    name = name if argument.required else f"[{name}]"
    return f"{name}..." if argument.nargs == -1 else name


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {parameter.metavar or 'VALUE'}"


def _extras(parameter: Any, text: str) -> str:
    """Return what the help text lacks: the default, the variable, and whether it is required."""
    default = parameter.default() if callable(parameter.default) else parameter.default
    if isinstance(parameter.show_default, str):
        default = parameter.show_default
    shows_default = _is_worth_showing(default) and "default:" not in text
    extras = [
        f"default: `{default}`" if shows_default else "",
        _variables(parameter.envvar),
        "required" if parameter.required and parameter.param_type_name == "option" else "",
    ]
    shown = "; ".join(filter(None, extras))
    return f" ({shown})" if shown else ""


def _variables(names: str | list[str] | None) -> str:
    """Return the clause on the variables that an option is read from, the first that is set."""
    listed = [names] if isinstance(names, str) else names or []
    variables = " or ".join(f"`{name}`" for name in listed)
    return f"or the variable {variables}" if variables else ""


def _is_worth_showing(default: object) -> bool:
    return (default != "" and type(default) in (str, int, float)) or isinstance(default, Path)


def _prose(text: str | None) -> str:
    return (text or "").strip()


if __name__ == "__main__":
    PAGE.write_text(commands())
