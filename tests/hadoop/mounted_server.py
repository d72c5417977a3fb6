"""Notebook servers of alice that mount HDFS, for the tests of each launcher and of Kerberos."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.hadoop.hub import REAL_SERVER, Hub
from yarnhub.demo.browser import Browser

NOTEBOOKS = f"{REAL_SERVER}c.YarnSpawner.contents_manager = 'hdfs_contents.HDFSContentsManager'\n"


def configured(mount: str, device: Path | str) -> str:
    """The configuration of a server, with the device that it mounts with."""
    variable = f"c.YarnSpawner.environment['YARNHUB_FUSE_DEVICE'] = {str(device)!r}\n"
    return f"{NOTEBOOKS}c.YarnSpawner.mount = {mount!r}\n{variable}"


@asynccontextmanager
async def alice_at(hub: Hub, config: str) -> AsyncIterator[tuple[Browser, str]]:
    """Start alice's server; it is stopped after the block. Yields its application's id, too."""
    application_id = hub.start_server("alice", config=config)
    async with Browser(hub.url, "alice") as browser:
        await browser.log_in("any")
        await browser.request("GET", "/user/alice/")
        yield browser, application_id
    hub.stop_server("alice")


async def check_files_of_both_sides(hub: Hub, device: Path) -> None:
    """Write a file by code and read it in the file browser, and the other way round, in two
    servers, one after the other."""
    saved = {"type": "file", "format": "text", "content": "saved in the file browser"}
    async with alice_at(hub, configured("required", device)) as (alice, _):
        await alice.api("PUT", "contents/both", {"type": "directory"})
        await alice.api("PUT", "contents/both/saved.txt", saved)
        write = "with open('written.txt', 'w') as file: file.write('written by code')"
        await alice.run_cell(write, notebook="both/a.ipynb")
        assert await alice.download("both/written.txt") == b"written by code"
    async with alice_at(hub, configured("required", device)) as (alice, _):
        read = "print(open('saved.txt').read(), '+', open('written.txt').read())"
        printed = await alice.run_cell(read, notebook="both/a.ipynb")
        assert printed.strip() == "saved in the file browser + written by code"
