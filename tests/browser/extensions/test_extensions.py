"""What the extensions of docs/extensions.md do, by their REST APIs and websockets."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.hadoop.hub import PATIENCE_SECONDS, Hub
from yarnhub.demo.browser import Browser

pytestmark = [pytest.mark.hadoop, pytest.mark.heavy]

#: States of a job that has ended.
ENDED = ("COMPLETED", "FAILED")

#: A picture of one pixel.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAf"
    "FcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def notebook(*sources: str, markdown: str = "") -> dict[str, Any]:
    """A notebook with a cell for each source, as the contents API takes it."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"code{number}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    if markdown:
        cells.append({"cell_type": "markdown", "id": "text", "metadata": {}, "source": markdown})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return {"type": "notebook", "format": "json", "content": content}


def text(content: str) -> dict[str, str]:
    return {"type": "file", "format": "text", "content": content}


@pytest.fixture(scope="module")
def server(hub: Hub) -> str:
    """Alice's server, which all tests of the file use."""
    return hub.start_server("alice")


@pytest.fixture
def directory(request: pytest.FixtureRequest) -> str:
    """The name of the test's own directory in alice's notebooks."""
    return str(request.node.originalname).removeprefix("test_")


@asynccontextmanager
async def alice_in(hub: Hub, directory: str) -> AsyncIterator[Browser]:
    """Alice in her browser, with an empty directory."""
    async with Browser(hub.url, "alice") as browser:
        await browser.log_in("any")
        await browser.open_lab()
        await browser.api("PUT", f"contents/{directory}", {"type": "directory"})
        yield browser


async def until(alice: Browser, path: str, condition: Callable[[Any], bool]) -> Any:
    """The answer of an API once the condition is true of it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition(answer := (await alice.request("GET", path)).json()):
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.2)
    return answer


async def post(alice: Browser, path: str, body: object) -> Any:
    """The answer of an extension's own API."""
    response = await alice.request("POST", f"/user/alice/{path}", body)
    return response.json() if response.content else None


async def test_git_commits_and_compares_what_the_file_browser_shows(
    hub: Hub, server: str, directory: str
):
    async with alice_in(hub, directory) as alice:
        git = f"git/{directory}"
        await alice.api("PUT", f"contents/{directory}/a.ipynb", notebook("first"))
        await post(alice, f"{git}/init", {})
        await post(alice, f"{git}/add", {"add_all": False, "filename": "a.ipynb"})
        await post(alice, f"{git}/commit", {"commit_msg": "one"})
        await alice.api("PUT", f"contents/{directory}/a.ipynb", notebook("second"))
        status = await post(alice, f"{git}/status", {})
        assert ("a.ipynb", "M") in [(file["to"], file["y"]) for file in status["files"]]
        refs = {"filename": "a.ipynb", "reference": {"git": "HEAD"}}
        committed = await post(alice, f"{git}/content", refs)
        assert json.loads(committed["content"])["cells"][0]["source"] == ["first"]
        new = {"checkout_branch": True, "new_check": True, "branchname": "other"}
        await post(alice, f"{git}/checkout", {**new, "startpoint": "HEAD"})
        branches = await post(alice, f"{git}/branch", {})
        assert branches["current_branch"]["name"] == "other"
        await post(alice, f"{git}/add_all_unstaged", {})
        await post(alice, f"{git}/commit", {"commit_msg": "two"})
        log = await post(alice, f"{git}/log", {})
        assert [commit["commit_msg"] for commit in log["commits"]][:2] == ["two", "one"]


async def test_nbdime_compares_with_a_checkpoint_and_with_a_commit(
    hub: Hub, server: str, directory: str
):
    async with alice_in(hub, directory) as alice:
        path = f"{directory}/a.ipynb"
        await alice.api("PUT", f"contents/{path}", notebook("first"))
        await alice.run_in_terminal("git init -q . && git add . && git commit -qm one", directory)
        await alice.api("PUT", f"contents/{path}", notebook("second"))
        # Code, and so git, sees a save within a second.
        await alice.run_in_terminal("until grep -q second a.ipynb; do sleep 0.1; done", directory)
        for base in ("checkpoint", "git"):
            difference = await post(alice, "nbdime/api/diff", {"base": f"{base}:{path}"})
            assert difference["base"]["cells"][0]["source"] == "first"
            assert difference["diff"] != []


async def test_jupytext_creates_pairs_and_renames_notebooks(hub: Hub, server: str, directory: str):
    async with alice_in(hub, directory) as alice:
        # This has blocked the server: Jupytext looks for a name that no file has.
        created = await alice.api("POST", f"contents/{directory}", {"type": "notebook"})
        assert created["path"] == f"{directory}/Untitled.ipynb"
        second = await alice.api("POST", f"contents/{directory}", {"type": "notebook"})
        assert second["path"] == f"{directory}/Untitled1.ipynb"
        paired = notebook("1 + 1")
        paired["content"]["metadata"]["jupytext"] = {"formats": "ipynb,py:percent"}
        await alice.api("PUT", f"contents/{directory}/p.ipynb", paired)
        assert "# %%\n1 + 1" in (await alice.download(f"{directory}/p.py")).decode()
        await alice.run_in_terminal("sed -i 's/1 + 1/2 + 2/' p.py", directory)
        read = await alice.api("GET", f"contents/{directory}/p.ipynb")
        assert read["content"]["cells"][0]["source"] == "2 + 2"
        await alice.api("PATCH", f"contents/{directory}/p.ipynb", {"path": f"{directory}/q.ipynb"})
        names = (await alice.run_in_terminal("ls", directory)).split()
        assert names == ["Untitled.ipynb", "Untitled1.ipynb", "q.ipynb", "q.py"]
        # A pair of which a file is gone.
        await alice.run_in_terminal("rm q.py", directory)
        await alice.api("PATCH", f"contents/{directory}/q.ipynb", {"path": f"{directory}/r.ipynb"})
        assert "r.ipynb" in await alice.run_in_terminal("ls", directory)


async def test_a_language_server_knows_the_modules_beside_a_notebook(
    hub: Hub, server: str, directory: str
):
    async with alice_in(hub, directory) as alice:
        await alice.api("PUT", f"contents/{directory}/mymod.py", text("def helper_function(): ..."))
        page = await alice.open_lab()
        root = re.search(r'"rootUri": "([^"]+)"', page)
        assert root is not None
        code = {"uri": f"{root[1]}/{directory}/a.py", "languageId": "python", "version": 1}
        code["text"] = "import mymod\nmymod.hel"
        socket = await alice.open_websocket("/user/alice/lsp/ws/pylsp")

        async def ask(number: int, method: str, parameters: object) -> Any:
            request = {"id": number, "method": method, "params": parameters}
            await socket.write_message(json.dumps({"jsonrpc": "2.0", **request}))
            while (message := await socket.read_message()) is not None:
                answer = json.loads(message)
                if answer.get("id") == number and "method" not in answer:
                    return answer["result"]
            raise AssertionError("the language server has ended")

        async def tell(method: str, parameters: object) -> None:
            message = {"jsonrpc": "2.0", "method": method, "params": parameters}
            await socket.write_message(json.dumps(message))

        await ask(1, "initialize", {"rootUri": root[1], "processId": None, "capabilities": {}})
        await tell("initialized", {})
        await tell("textDocument/didOpen", {"textDocument": code})
        where = {"textDocument": {"uri": code["uri"]}, "position": {"line": 1, "character": 9}}
        completed = await ask(2, "textDocument/completion", where)
        assert "helper_function()" in [item["label"] for item in completed["items"]]
        where["position"] = {"line": 0, "character": 9}
        (definition,) = await ask(3, "textDocument/definition", where)
        assert definition["uri"] == f"{root[1]}/{directory}/mymod.py"
        socket.close()


async def test_a_notebook_job_runs_and_leaves_its_output(hub: Hub, server: str, directory: str):
    async with alice_in(hub, directory) as alice:
        source = "print('read by a job: ' + open('data.txt').read())"
        await alice.api("PUT", f"contents/{directory}/data.txt", text("the data"))
        await alice.api("PUT", f"contents/{directory}/job.ipynb", notebook(source))
        job = {
            "input_uri": f"{directory}/job.ipynb",
            "name": "job",
            "runtime_environment_name": "python",
            "runtime_environment_parameters": {},
            "output_formats": ["ipynb"],
            "package_input_folder": True,
        }
        created = await post(alice, "scheduler/jobs", job)
        url = f"/user/alice/scheduler/jobs/{created['job_id']}"
        # It says STOPPED, too, before the job has begun.
        ended = await until(alice, url, lambda answer: answer["status"] in ENDED)
        assert ended["status"] == "COMPLETED", ended
        await alice.request("GET", f"{url}/download_files")
        found = "cat jobs/*/job-*.ipynb 2>/dev/null | grep -q 'read by a job: the data'"
        await alice.run_in_terminal(f"until {found}; do sleep 0.2; done")  # another process copies


async def test_nbconvert_and_voila_show_the_pictures_beside_a_notebook(
    hub: Hub, server: str, directory: str
):
    async with alice_in(hub, directory) as alice:
        await alice.api("PUT", f"contents/{directory}/img", {"type": "directory"})
        picture = {"type": "file", "format": "base64", "content": PIXEL}
        await alice.api("PUT", f"contents/{directory}/img/p.png", picture)
        await alice.api("PUT", f"contents/{directory}/data.txt", text("read by the notebook"))
        source = "print(open('data.txt').read())"
        book = notebook(source, markdown="![a picture](img/p.png)")
        await alice.api("PUT", f"contents/{directory}/a.ipynb", book)
        # By embed_images. Without it the page has no pictures, on a local disk too.
        html = (await alice.request("GET", f"/user/alice/nbconvert/html/{directory}/a.ipynb")).text
        assert re.search(rf'<img [^>]*src="data:image/png;base64,{re.escape(PIXEL)}"', html)
        app = (await alice.request("GET", f"/user/alice/voila/render/{directory}/a.ipynb")).text
        assert "read by the notebook" in app
        assert re.search(r'<img [^>]*src="img/p.png"', app)
        picture_url = f"/user/alice/voila/files/{directory}/img/p.png"
        shown = await alice.request("GET", picture_url)
        assert shown.content == base64.b64decode(PIXEL)


async def test_the_status_bar_gets_the_limit_of_memory(hub: Hub, server: str, directory: str):
    async with alice_in(hub, directory) as alice:
        metrics = (await alice.request("GET", "/user/alice/api/metrics/v1")).json()
        assert metrics["limits"]["memory"]["rss"] == 2 << 30
        assert 0 < metrics["rss"] < 2 << 30


async def test_a_web_server_in_the_container_is_reached_through_the_hub(
    hub: Hub, server: str, directory: str
):
    async with alice_in(hub, directory) as alice:
        await alice.api("PUT", f"contents/{directory}/page.txt", text("by proxy"))
        serve = (
            "import functools, http.server, threading\n"
            "handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory='.')\n"
            "web = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)\n"
            "threading.Thread(target=web.serve_forever, daemon=True).start()\n"
            "print(web.server_port)"
        )
        port = int(await alice.run_cell(serve, notebook=f"{directory}/a.ipynb"))
        page = await alice.request("GET", f"/user/alice/proxy/{port}/page.txt")
        assert page.text == "by proxy"
