"""A hub and a server whose default file system is viewfs, on the cluster with Kerberos."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadoop_client.security.delegation import HDFS_KIND
from tests.hadoop.hub import running_hub
from tests.hadoop.test_default_filesystems import configure
from tests.kerberos.test_servers import FILE, NOTEBOOKS, browser_of, is_good, load, save, tokens_of
from yarnhub.minihadoop import MiniHadoop

pytestmark = pytest.mark.heavy


async def test_a_server_has_a_token_of_what_is_mounted_and_saves_there(
    keytab_config: str, hadoop: MiniHadoop, tmp_path: Path
):
    conf, folder = tmp_path / "conf", tmp_path / "hub"
    conf.mkdir()
    folder.mkdir()
    mounts = {f"link./{name}": f"{hadoop.default_fs}/{name}" for name in ("user", "apps", "tmp")}
    configure(hadoop, conf, "viewfs://cl", **mounts)
    on_viewfs = f"c.YarnSpawner.environment = {{'HADOOP_CONF_DIR': {str(conf)!r}}}\n"
    env = {**hadoop.env(), "HADOOP_CONF_DIR": str(conf)}
    with running_hub(folder, env, keytab_config + NOTEBOOKS + on_viewfs) as hub:
        async with browser_of(hub, "alice") as browser:
            await save(browser, "on viewfs")
            assert await load(browser) == "on viewfs"
            await browser.request("DELETE", FILE)
        assert is_good(hadoop, tokens_of(hadoop, hub.application_of("alice"))[HDFS_KIND])
