"""The tutorial, walked by a newcomer: each command as it is shown, in a home with nothing in it.

What is printed has to be what the page shows, but for numbers, keys and who walks.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hadoop_client.security.identity import account
from tests.packages import PACKAGES
from yarnhub.demo.browser import Browser
from yarnhub.minihadoop.artifacts import cache_dir

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "tutorial.md").read_text()
TREE = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")
END = "that was all of it:"


class Shell:
    """One bash, as a person has it open all along."""

    def __init__(self, folder: Path, home: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if "HADOOP" not in name}
        # Downloads that this machine has already are not made again.
        kept |= {"HOME": str(home), "XDG_CACHE_HOME": str(cache_dir().parent), "COLUMNS": "80"}
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=kept,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        """Run a command, and return what it has printed."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{command}\necho; echo '{END}' $?\n")
        self._bash.stdin.flush()
        lines = []
        for line in self._bash.stdout:
            if line.startswith(END):
                break
            lines.append(line)
        return "".join(lines)

    def close(self) -> None:
        """End all that a walk may have left running."""
        self.run("kill %1; wait %1; yarnhub minihadoop down")
        self._bash.communicate()


def steps() -> list[tuple[str, str]]:
    """The commands of the page, each with what it prints."""
    found: list[tuple[str, str]] = []
    for line in "".join(re.findall(r"```console\n(.*?)```", PAGE, re.S)).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


def shape(text: str) -> list[str]:
    """The words of a text, without what differs from one walk to the next."""
    # Who walks as root can check all passwords.
    text = re.sub(r"^\w+ +login .*\n(?: +.*\n)*", "", text, flags=re.M)
    # A server reports its memory after half a minute.
    text = re.sub(r"(?<=\s)-(?=/\d)", "0", text)
    text = re.sub(r"\b[0-9a-f]{20}\b", "KEY", text)
    return re.sub(r"\d+(?:[.,:_-]\d+)*", "N", text).split()


def own_addresses(port: int, hub_port: int, proxy_port: int) -> str:
    """What the hub of a test needs beside the tutorial's: ports of its own, and servers of root."""
    return f"""
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_ip, c.JupyterHub.hub_port = "127.0.0.1", {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.YarnSpawner.args = {["--allow-root"] if os.geteuid() == 0 else []}
"""


async def work(url: str, wait_until: Callable[..., Any]) -> list[str]:
    """What step 6 says to do in a browser; returns what the page says meanwhile."""
    wait_until(lambda: is_answering(url), 60, "the hub to answer")
    async with Browser(url, "alice") as alice:
        await alice.log_in("first notebook")
        messages = [message async for message in alice.start_server()]
        await alice.open_lab()
        printed = await alice.run_cell('print("hello from", __import__("os").getcwd())')
        assert printed.startswith("hello from /")
        notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        await alice.api("PUT", "contents/first.ipynb", {"type": "notebook", "content": notebook})
    return messages


def is_answering(url: str) -> bool:
    try:
        return httpx.get(f"{url}/hub/health", trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[tuple[Shell, Path, Path]]:
    """A shell in a copy of this tree, the copy, and an empty home."""
    home, tree = tmp_path / "home", tmp_path / "yarnhub"
    home.mkdir()
    tree.mkdir()
    for name in TREE:
        shutil.copy(ROOT / name, tree)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tree / name)
    shell = Shell(tree, home)
    yield shell, tree, home
    shell.close()


@pytest.mark.heavy
async def test_the_tutorial_leads_to_a_notebook(
    newcomer: tuple[Shell, Path, Path], ports: list[int], wait_until: Callable[..., Any]
):
    shell, tree, home = newcomer
    messages: list[str] = []
    for command, shown in steps():
        hub_begins = command.startswith("jupyterhub ")
        if hub_begins:
            with (tree / "jupyterhub_config.py").open("a") as config:
                config.write(own_addresses(*ports))
        if command == "yarnhub minihadoop up" and os.geteuid() == 0:
            command += " --allow-root"
        printed = shell.run(command).replace(str(home), "/home/admin")
        printed = printed.replace(f"as {account()} through", "as admin through")
        assert shape(printed) == shape(shown), f"{command}\n{printed}"
        if hub_begins:
            messages = await work(f"http://127.0.0.1:{ports[0]}", wait_until)
    (told,) = re.findall(r"```text\n(.*?)```", PAGE, re.S)
    assert shape(told)[:2] == shape(messages[0])
    assert shape(messages[-1]) == shape(told.splitlines()[-1])
