"""A person's round through the product, from the log-in to the notebook found again.

Two people do it at the same time. Each step is timed; the first that fails ends that person's
round with a sentence, and the other's goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from yarnhub.demo.browser import Browser, UnexpectedPageError

NOTEBOOK = "round.ipynb"
ENDED_TIMEOUT_SECONDS = 30.0

WHERE_AM_I = """
import json, os, socket, sys
print(json.dumps({
    "host": socket.gethostname(),
    "user": os.environ["HADOOP_USER_NAME"],
    "prefix": sys.prefix,
    "memory": os.environ["MEM_LIMIT"],
    "container": os.environ["CONTAINER_ID"],
}))
"""

READ_AS = """
import sys
from hadoop_client.hdfs.filesystem import open_filesystem
path = sys.argv[1]
try:
    filesystem = open_filesystem()
    with filesystem.open_read(path) as file:
        content = file.read()
    print(filesystem.stat(path).owner)
    print(content.decode())
except PermissionError:
    sys.exit(13)
"""


@dataclass(frozen=True)
class Step:
    """One step of one person's round, how long it took, and why it failed if it did."""

    person: str
    name: str
    seconds: float
    detail: str = ""
    failure: str = ""


@dataclass
class Round:
    """One person's round as it was walked."""

    person: str
    steps: list[Step] = field(default_factory=list)

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[list[str]]:
        """Time a step. What is appended to the yielded list is told as its detail."""
        detail: list[str] = []
        started = time.monotonic()
        failure = ""
        try:
            yield detail
        except Exception as error:  # whatever it is, the table says at which step it was
            failure = str(error) or type(error).__name__
            raise CheckFailedError(f"{self.person}: {name}: {failure}") from error
        finally:
            seconds = round(time.monotonic() - started, 3)
            self.steps.append(Step(self.person, name, seconds, "; ".join(detail), failure))


class CheckFailedError(Exception):
    """A step failed; says whose, which and why."""


def by_name(user: str) -> dict[str, str]:
    """Return what makes a client act as a user where there is no Kerberos."""
    return {"HADOOP_USER_NAME": user}


@dataclass(frozen=True)
class Site:
    """The hub and the cluster that are checked. `identity` gives the environment of a client that
    acts as somebody."""

    hub_url: str
    resourcemanager_url: str
    password: str
    identity: Callable[[str], dict[str, str]] = by_name


async def check(site: Site, people: tuple[str, str]) -> list[Step]:
    """Let two people walk the round at the same time; returns all their steps."""
    rounds = [Round(person) for person in people]
    others = reversed(people)
    walks = [walk(site, one, other) for one, other in zip(rounds, others, strict=True)]
    results = await asyncio.gather(*walks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, CheckFailedError):
            raise result
    return [step for one in rounds for step in one.steps]


async def walk(site: Site, one: Round, other_person: str) -> None:
    """Walk the round as one person; raises `CheckFailedError` at the first step that fails."""
    person = one.person
    path = f"/user/{person}/notebooks/{NOTEBOOK}"
    async with Browser(site.hub_url, person) as browser:
        async with one.step("log in by the form"):
            await browser.log_in(site.password)
        async with one.step("start the server") as detail:
            events = [message async for message in browser.start_server()]
            _expect(len(events) > 1, f"there was no progress to see but {events}")
            detail.append(f"{len(events)} progress events")
        async with one.step("open JupyterLab"):
            await browser.open_lab()
        async with one.step("run a cell through the proxy") as detail:
            seen = json.loads(await browser.run_cell(WHERE_AM_I))
            _expect(seen["user"] == person, f"the cell runs as {seen['user']}")
            _expect(
                seen["container"] in seen["prefix"] or "filecache" in seen["prefix"],
                f"the cell's Python is {seen['prefix']}, not the environment from HDFS",
            )
            detail.append(f"{seen['user']} on {seen['host']}, {int(seen['memory']) >> 20} MiB")
        async with one.step("save a notebook"):
            await browser.api("PUT", f"contents/{NOTEBOOK}", _notebook(person))
        async with one.step("read it back from HDFS") as detail:
            owner, content = await _read_as(site, person, path)
            _expect(owner == person, f"{path} belongs to {owner}")
            _expect(f"written by {person}" in content, f"{path} holds something else")
            detail.append(f"{path} belongs to {owner}")
        async with one.step(f"{other_person} can't read it"):
            try:
                await _read_as(site, other_person, path)
            except PermissionError:
                pass
            else:
                raise UnexpectedPageError(f"{other_person} could read {path}")
        async with one.step("stop the server"):
            await browser.stop_server()
        async with one.step("see its YARN application end") as detail:
            detail.append(await _last_application_ended(site, person))
        async with one.step("start the server again"):
            async for _ in browser.start_server():
                pass
        async with one.step("find the notebook there"):
            await browser.open_lab()
            found = await browser.api("GET", f"contents/{NOTEBOOK}")
            _expect(found["content"] == _notebook(person)["content"], "the notebook has changed")
        async with one.step("stop the server again"):
            await browser.stop_server()
            await _last_application_ended(site, person)


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise UnexpectedPageError(otherwise)


def _notebook(person: str) -> dict[str, Any]:
    cell = {
        "cell_type": "markdown",
        "id": "first",
        "metadata": {},
        "source": f"written by {person}",
    }
    content = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return {"type": "notebook", "format": "json", "content": content}


async def _read_as(site: Site, user: str, path: str) -> tuple[str, str]:
    """Read a file of HDFS as `user`, in a process of its own; returns its owner and its text."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", READ_AS, path),
        env={**os.environ, **site.identity(user)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode == 13:
        raise PermissionError(f"{user} may not read {path}")
    if process.returncode:
        raise UnexpectedPageError(f"{path} could not be read as {user}: {errors.decode().strip()}")
    owner, _, content = output.decode().partition("\n")
    return owner, content


async def _last_application_ended(site: Site, person: str) -> str:
    """Wait until YARN says that the person's last application has ended; returns what it says."""
    url = f"{site.resourcemanager_url}/ws/v1/cluster/apps"
    deadline = time.monotonic() + ENDED_TIMEOUT_SECONDS
    async with httpx.AsyncClient(trust_env=False) as http:
        while True:
            answer = (await http.get(url, params={"user": person})).raise_for_status().json()
            last = max(answer["apps"]["app"], key=lambda app: app["startedTime"])
            if last["state"] in ("FINISHED", "FAILED", "KILLED"):
                return f"{last['id']} is {last['state']}"
            if time.monotonic() > deadline:
                raise UnexpectedPageError(f"{last['id']} is still {last['state']}")
            await asyncio.sleep(0.2)


def write_report(steps: list[Step], file: Path) -> None:
    """Write the steps as JSON."""
    file.write_text(json.dumps([asdict(step) for step in steps], indent=2) + "\n")
