"""The end-to-end check: two users log in, start servers, keep notebooks in HDFS, and return.

Both users run in parallel. Each step is timed. A step that fails ends the check of its user; the
other user's goes on.
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

import httpx

from hadoop_client.python_module import module_command
from yarnhub.demo.browser import Browser, UnexpectedPageError
from yarnhub.demo.read_as import NOT_ALLOWED

NOTEBOOK = "check.ipynb"
ENDED_TIMEOUT_SECONDS = 30.0

WHERE_AM_I = """
import json, os, socket, sys
print(json.dumps({
    "host": socket.gethostname(),
    "user": os.environ["HADOOP_USER_NAME"],
    "prefix": sys.prefix,
    "memory": os.environ["MEM_LIMIT"],
    "container": os.environ["CONTAINER_ID"],
    "mount": os.environ.get("YARNHUB_MOUNT", ""),
    "reason": os.environ.get("YARNHUB_MOUNT_FAILURE", ""),
}))
"""

WHICH_PREFIX = "import sys; print(sys.prefix, end='')"

#: The directory of the files that code writes, and the notebook whose kernel runs there.
PROJECT = "check-project"
PROJECT_NOTEBOOK = f"{PROJECT}/code.ipynb"
WRITE_A_FILE = "with open('data.csv', 'w') as file: file.write('a,b\\n1,written by code\\n')"
DATA = b"a,b\n1,written by code\n"
READ_THE_FILE = "print(open('data.csv').read(), end='')"
COMMIT = (
    "git init -q . && git add data.csv && "
    "git -c user.name=check -c user.email=check@localhost commit -q -m 'the data'"
)


@dataclass(frozen=True)
class Step:
    """One step of a user's check: its duration, details, and the reason of a failure."""

    person: str
    name: str
    seconds: float
    detail: str = ""
    failure: str = ""


@dataclass
class UserCheck:
    """The check of one user, with the steps done so far."""

    person: str
    steps: list[Step] = field(default_factory=list)

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[list[str]]:
        """Time a step. Texts appended to the yielded list are its details."""
        detail: list[str] = []
        started = time.monotonic()
        failure = ""
        try:
            yield detail
        except Exception as error:  # Any error is shown with its step.
            failure = str(error) or type(error).__name__
            raise CheckFailedError(f"{self.person}: {name}: {failure}") from error
        finally:
            seconds = round(time.monotonic() - started, 3)
            self.steps.append(Step(self.person, name, seconds, "; ".join(detail), failure))


class CheckFailedError(Exception):
    """A step failed. The message has the user, the step and the reason."""


def identity_without_kerberos(user: str) -> dict[str, str]:
    """Return the environment variables of a client that acts as `user`, without Kerberos."""
    return {"HADOOP_USER_NAME": user}


@dataclass(frozen=True)
class Deployment:
    """The hub and the cluster to check. `identity` returns the environment variables of a client
    that acts as a user. `profile` is that of the servers, and `kernel` the name of the kernel of
    another environment, each empty if there is none."""

    hub_url: str
    resourcemanager_url: str
    password: str
    identity: Callable[[str], dict[str, str]] = identity_without_kerberos
    profile: str = ""
    kernel: str = ""


async def check(deployment: Deployment, users: tuple[str, str]) -> list[Step]:
    """Run the check for two users in parallel; returns the steps of both."""
    checks = [UserCheck(user) for user in users]
    runs = [
        check_user(deployment, user_check, other)
        for user_check, other in zip(checks, reversed(users), strict=True)
    ]
    results = await asyncio.gather(*runs, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, CheckFailedError):
            raise result
    return [step for user_check in checks for step in user_check.steps]


async def check_user(deployment: Deployment, user_check: UserCheck, other_user: str) -> None:
    """Run the check for one user. Raises CheckFailedError at the first step that fails."""
    async with Browser(deployment.hub_url, user_check.person, deployment.profile) as browser:
        async with user_check.step("log in with the form"):
            await browser.log_in(deployment.password)
        mounted = await _use_a_new_server(browser, user_check, deployment.kernel)
        await _keep_a_notebook(deployment, browser, user_check, other_user)
        async with user_check.step("stop the server"):
            await browser.stop_server()
        async with user_check.step("see its YARN application end") as detail:
            detail.append(await _last_application_ended(deployment, user_check.person))
        await _find_files_again(browser, user_check, mounted=mounted)
        async with user_check.step("stop the server again"):
            await browser.stop_server()
            await _last_application_ended(deployment, user_check.person)


async def _use_a_new_server(browser: Browser, user_check: UserCheck, other_kernel: str) -> bool:
    """Start a server and run code in it; returns whether HDFS is mounted there."""
    person = user_check.person
    async with user_check.step("start the server") as detail:
        events = [message async for message in browser.start_server()]
        _expect(len(events) > 1, f"the only progress was {events}")
        detail.append(f"{len(events)} progress events")
    async with user_check.step("open JupyterLab"):
        await browser.open_lab()
    async with user_check.step("run a cell through the proxy") as detail:
        cell = json.loads(await browser.run_cell(WHERE_AM_I))
        _expect(cell["user"] == person, f"the cell runs as {cell['user']}")
        _expect(
            cell["container"] in cell["prefix"] or "filecache" in cell["prefix"],
            f"the cell's Python is {cell['prefix']}, not the environment from HDFS",
        )
        detail.append(f"{cell['user']} on {cell['host']}, {int(cell['memory']) >> 20} MiB")
    if other_kernel:
        async with user_check.step("run a cell in another environment") as detail:
            prefix = await browser.run_cell(WHICH_PREFIX, other_kernel)
            _expect(prefix != cell["prefix"], f"the cell's Python is the server's, {prefix}")
            detail.append(prefix)
    async with user_check.step("see HDFS as a directory") as detail:
        detail.append(cell["mount"] or cell["reason"] or "the mount is turned off")
    if cell["mount"]:
        await _check_files_of_code(browser, user_check)
    return bool(cell["mount"])


async def _keep_a_notebook(
    deployment: Deployment, browser: Browser, user_check: UserCheck, other_user: str
) -> None:
    """Save a notebook, and read its file in HDFS as its owner and as another user."""
    person = user_check.person
    path = f"/user/{person}/notebooks/{NOTEBOOK}"
    async with user_check.step("save a notebook"):
        await browser.api("PUT", f"contents/{NOTEBOOK}", _notebook(person))
    async with user_check.step("read it back from HDFS") as detail:
        owner, content = await _read_as(deployment, person, path)
        _expect(owner == person, f"{path} belongs to {owner}")
        _expect(f"written by {person}" in content, f"{path} has other content")
        detail.append(f"{path} belongs to {owner}")
    async with user_check.step(f"{other_user} cannot read it"):
        try:
            await _read_as(deployment, other_user, path)
        except PermissionError:
            pass
        else:
            raise UnexpectedPageError(f"{other_user} could read {path}")


async def _find_files_again(browser: Browser, user_check: UserCheck, *, mounted: bool) -> None:
    """Start the next server, and find what the first one has kept."""
    async with user_check.step("start the server again"):
        async for _ in browser.start_server():
            pass
    async with user_check.step("find the notebook again"):
        await browser.open_lab()
        model = await browser.api("GET", f"contents/{NOTEBOOK}")
        kept = _notebook(user_check.person)["content"]
        _expect(model["content"] == kept, "the notebook has changed")
    if mounted:
        async with user_check.step("read the code's file again"):
            read = await browser.run_cell(READ_THE_FILE, notebook=PROJECT_NOTEBOOK)
            _expect(read.encode() == DATA, f"the cell read {read!r}")


async def _check_files_of_code(browser: Browser, user_check: UserCheck) -> None:
    """Check that code, the file browser, a terminal and git see the same files."""
    async with user_check.step("write a file in a cell"):
        await browser.api("PUT", f"contents/{PROJECT}", {"type": "directory"})
        await browser.run_cell(WRITE_A_FILE, notebook=PROJECT_NOTEBOOK)
    async with user_check.step("download it from the file browser"):
        content = await browser.download(f"{PROJECT}/data.csv")
        _expect(content == DATA, f"the download is {content!r}")
    async with user_check.step("find its line in a terminal"):
        found = await browser.run_in_terminal("grep written data.csv", PROJECT)
        _expect(found == "1,written by code", f"grep found {found!r}")
    async with user_check.step("commit it with git"):
        await browser.run_in_terminal(COMMIT, PROJECT)


def _expect(condition: bool, error: str) -> None:
    if not condition:
        raise UnexpectedPageError(error)


def _notebook(person: str) -> dict[str, object]:
    cell = {
        "cell_type": "markdown",
        "id": "first",
        "metadata": {},
        "source": f"written by {person}",
    }
    content = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return {"type": "notebook", "format": "json", "content": content}


async def _read_as(deployment: Deployment, user: str, path: str) -> tuple[str, str]:
    """Read a file in HDFS as `user`, in another process; returns its owner and its text."""
    process = await asyncio.create_subprocess_exec(
        *module_command(sys.executable, "yarnhub.demo.read_as", path),
        env={**os.environ, **deployment.identity(user)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode == NOT_ALLOWED:
        raise PermissionError(f"{user} may not read {path}")
    if process.returncode:
        raise UnexpectedPageError(f"{path} could not be read as {user}: {errors.decode().strip()}")
    owner, _, content = output.decode().partition("\n")
    return owner, content


async def _last_application_ended(deployment: Deployment, person: str) -> str:
    """Wait for the end of the user's last application; returns its id and state."""
    url = f"{deployment.resourcemanager_url}/ws/v1/cluster/apps"
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
