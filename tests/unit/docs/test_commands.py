"""Every `yarnhub` command that a page shows is one that the tool takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from yarnhub.cli import app

ROOT = Path(__file__).parents[3]
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = "commands.md"
OPTION = re.compile(r"--?[a-z][\w-]*")


def in_blocks() -> Iterator[Any]:
    """The command lines of code blocks: what stands after `yarnhub`."""
    for page in PAGES:
        for line in code_lines(page.read_text()):
            # A prompt, variables, or another program may stand before it.
            found = re.match(r"(?:\$ |[A-Z_0-9]+=\S+ |docker compose .* edge )*yarnhub\b(.*)", line)
            inside = re.search(r"\$\((?:\S*/)?yarnhub\b(.*?)\)", line)
            if page.name != GENERATED and (found or inside):
                yield pytest.param((found or inside)[1], id=f"{page.name}:{line}")


def code_lines(text: str) -> Iterator[str]:
    fenced = False
    for line in text.splitlines():
        if line.strip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line.strip()


def inline() -> Iterator[Any]:
    """What prose names: it may leave out what has to be given."""
    for page in PAGES:
        prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
        for named in re.findall(r"`yarnhub ([a-z][^`]*)`", prose):
            if page.name != GENERATED:
                yield pytest.param(named, id=f"{page.name}:{named}")


@cache
def tool() -> Any:
    return typer.main.get_command(app)


def descend(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the first words name, and the words after them."""
    command = tool()
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize("line", list(in_blocks()))
def test_a_command_line_is_taken(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("jupyterhub_config.py").touch()  # an option says that its file is there
    command, words = descend(shlex.split(line, comments=True))
    if words == ["--version"]:
        return
    command.make_context("yarnhub", words)  # which raises for what it doesn't take


@pytest.mark.parametrize("named", list(inline()))
def test_a_command_in_prose_exists_with_its_options(named: str):
    words = shlex.split(named.replace("…", ""))
    command, rest = descend(words)
    assert command is not tool(), named
    known = {each for parameter in command.params for each in parameter.opts}
    assert {word for word in rest if OPTION.fullmatch(word)} <= known | {"--help"}


def test_a_wrong_command_line_would_be_seen():
    command, words = descend(["envs", "list", "--no-such-option"])
    with pytest.raises(Exception, match="No such option"):
        command.make_context("yarnhub", words)
    assert len(list(in_blocks())) > 30
