"""A hub and servers behind a router of a federation, on the cluster with Kerberos."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hadoop_client.security.delegation import HDFS_KIND
from tests.hadoop.env_tools import bring_along, pack_env
from tests.hadoop.federation import FEDERATION, Federation, router_ports
from tests.hadoop.hub import running_hub
from tests.kerberos.test_servers import FILE, LIGHT, NOTEBOOKS, browser_of, load, save, tokens_of
from tests.unit.env_packaging.prefixes import make_venv
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER, superuser

pytestmark = pytest.mark.heavy


@pytest.fixture
def federation(hadoop: MiniHadoop, tmp_path: Path) -> Iterator[Federation]:
    with may_impersonate(hadoop, superuser()):
        with router_ports() as ports:
            routers = Federation(hadoop, tmp_path / "federation", {"r1": ports["r1"]})
            routers.start()
        try:
            with routers.introduced():
                yield routers
        finally:
            routers.stop()


@contextmanager
def may_impersonate(hadoop: MiniHadoop, user: str) -> Iterator[None]:
    """Let the NameNode take calls of this user, a router, for others."""
    site = hadoop.conf_dir / "namenode" / "core-site.xml"
    before = site.read_text()
    rule = "<property><name>hadoop.proxyuser.{}.{}</name><value>*</value></property>"
    rules = "".join(rule.format(user, what) for what in ("hosts", "groups"))
    try:
        site.write_text(before.replace("</configuration>", f"{rules}</configuration>"))
        start_again(hadoop)
        yield
    finally:
        site.write_text(before)
        start_again(hadoop)


def start_again(hadoop: MiniHadoop) -> None:
    hadoop.namenode.stop()
    hadoop.namenode.start()
    hadoop.wait_ready()


async def test_servers_have_a_token_of_the_router(
    keytab_config: str, hadoop: MiniHadoop, federation: Federation, tmp_path: Path
) -> None:
    venv = make_venv(Path(sys.base_prefix), tmp_path / "venv")
    bring_along(venv, "tornado")
    login = {**federation.env(), **hadoop.identity(HUB_USER)}
    done = pack_env(hadoop, venv, "--name", "federated", "--quiet", **login)
    assert done.returncode == 0, done.stderr
    (folder := tmp_path / "hub").mkdir()
    variables = f"c.YarnSpawner.environment = {{'HADOOP_CONF_DIR': {str(federation.client)!r}}}\n"
    light = f"{keytab_config}{LIGHT}c.YarnSpawner.python_env = 'federated'\n{variables}"
    with running_hub(folder, federation.env(), light) as hub:
        hub.start_server("alice")
        assert hub.get("/user/alice/api").json() == {"version": "light"}
    (folder := tmp_path / "second").mkdir()
    notebooks = keytab_config + NOTEBOOKS + variables
    with running_hub(folder, federation.env(), notebooks) as hub:
        async with browser_of(hub, "alice") as browser:
            await save(browser, "behind a router")
            assert await load(browser) == "behind a router"
            await browser.request("DELETE", FILE)
        token = tokens_of(hadoop, hub.application_of("alice"))[HDFS_KIND]
        assert token.service == f"ha-hdfs:{FEDERATION}"
