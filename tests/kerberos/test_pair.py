"""A pair of ResourceManagers and of NameNodes with Kerberos: a hub goes on with the other ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hadoop.hub import Hub
from tests.kerberos.test_servers import NOTEBOOKS, browser_of, load, save
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER, Security

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def pair() -> Iterator[MiniHadoop]:
    with MiniHadoop(ha=True, datanodes=1, security=Security()) as cluster:
        yield cluster


async def test_a_hub_and_its_servers_go_on_with_the_other_ones(
    pair: MiniHadoop, tmp_path: Path, wait_until: Callable[..., Any]
):
    principal, keytab = pair.login(HUB_USER)
    login = f"c.YarnSpawner.principal = {principal!r}\nc.YarnSpawner.keytab = {str(keytab)!r}\n"
    hub = Hub(tmp_path, pair.env(), login + NOTEBOOKS + "c.JupyterHub.cleanup_servers = True\n")
    hub.start()
    try:
        async with browser_of(hub, "alice") as browser:
            await save(browser, "before")
            pair.resourcemanager.kill()
            pair.make_active(1)
            pair.namenode.kill()
            pair.make_namenode_active(1)
            await save(browser, "after")
            assert await load(browser) == "after"
            wait_until(lambda: hub.request_server("bob")[-1].get("ready"), 120, "a start")
            await save(browser, "and on")
    finally:
        hub.stop()
