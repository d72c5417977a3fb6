"""Our clients log in by Kerberos, at each level of protection, to whom they mean alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.security import kerberos
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER, Security

ASK = """
import asyncio, sys
from hadoop_client.security import kerberos
from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.configuration import Configuration
from hadoop_client.security.delegation import GetDelegationTokenRequest
from hadoop_client.yarn.resourcemanager import *
from hadoop_client.rpc.call import Login

async def main():
    configuration = Configuration.load()
    client = AsyncClient(
        configuration.resourcemanager_addresses(), APPLICATION_CLIENT_PROTOCOL,
        Login("alice", kerberos.own_user(configuration)),
        prepare=kerberos.logins(configuration, kerberos.RESOURCEMANAGER),
    )
    given = await client.call(GET_DELEGATION_TOKEN, GetDelegationTokenRequest("jupyterhub"))
    print(given.token.kind)
    await client.close()

asyncio.run(main())
"""


def run(
    hadoop: MiniHadoop, *command: str, name: str = HUB_USER, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command as the hub: a process has one identity for good."""
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **hadoop.env(), **hadoop.identity(name), **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )


def changed(hadoop: MiniHadoop, folder: Path, **properties: str) -> str:
    """A copy of the clients' configuration in which something is different."""
    for file in hadoop.conf_dir.glob("*-site.xml"):
        rows = "".join(
            f"<property><name>{name.replace('__', '.')}</name><value>{value}</value></property>"
            for name, value in properties.items()
        )
        text = file.read_text().replace("</configuration>", f"{rows}</configuration>")
        (folder / file.name).write_text(text)
    return str(folder)


def test_privacy_is_what_this_cluster_wants(hadoop: MiniHadoop):
    done = run(hadoop, "-c", ASK)
    assert done.stdout == "RM_DELEGATION_TOKEN\n", done.stderr


@pytest.mark.heavy
@pytest.mark.parametrize("protection", ["authentication", "integrity"])
def test_the_other_levels_of_protection(protection: str):
    with MiniHadoop(security=Security(protection=protection)) as cluster:
        done = run(cluster, "-c", ASK)
    assert done.stdout == "RM_DELEGATION_TOKEN\n", done.stderr


def test_a_client_that_wants_less_than_the_server_is_told_so(hadoop: MiniHadoop, tmp_path: Path):
    conf = changed(hadoop, tmp_path, hadoop__rpc__protection="authentication")
    done = run(hadoop, "-c", ASK, HADOOP_CONF_DIR=conf)
    assert "no common protection: the server offers privacy" in done.stderr


def test_a_server_that_is_somebody_else_is_refused(hadoop: MiniHadoop, tmp_path: Path):
    conf = changed(hadoop, tmp_path, yarn__resourcemanager__principal="nm/_HOST@YARNHUB.TEST")
    done = run(hadoop, "-c", ASK, HADOOP_CONF_DIR=conf)
    assert "the server is rm/localhost, the configuration expects nm/localhost" in done.stderr


def test_hdfs_native_is_not_used_with_a_namenode_of_another_principal(
    hadoop: MiniHadoop, tmp_path: Path
):
    conf = changed(hadoop, tmp_path, dfs__namenode__kerberos__principal="nm/_HOST@YARNHUB.TEST")
    stat = "from hadoop_client.hdfs.filesystem import *\nprint(open_filesystem().stat('/').path)"
    done = run(hadoop, "-c", stat, HADOOP_CONF_DIR=conf)
    assert "the server is nn/localhost, the configuration expects nm/localhost" in done.stderr
    assert run(hadoop, "-c", stat).stdout == "/\n"


def test_the_tool_logs_in_as_every_kerberos_client_does(hadoop: MiniHadoop):
    groups = ("rm", "queues", "proxyuser", "hdfs", "homes", "keytab")
    done = run(hadoop, "-m", "yarnhub", "check", *groups, "--user", "alice", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {each["verdict"] for each in json.loads(done.stdout)} == {"ok"}
    assert run(hadoop, "-m", "yarnhub", "apps", "--json").stdout.strip() == "[]"


def test_the_check_warns_of_webhdfs_that_accepts_any_name(hadoop: MiniHadoop):
    done = run(hadoop, "-m", "yarnhub", "check", "webhdfs", "--json")
    (result,) = json.loads(done.stdout)
    assert result["verdict"] == "warning"
    assert f"WebHDFS at {hadoop.namenode_url} accepts any user name" in result["why"]


def test_the_configuration_that_the_tool_writes_has_the_log_in(hadoop: MiniHadoop, tmp_path: Path):
    file, unit = tmp_path / "jupyterhub_config.py", tmp_path / "jupyterhub.service"
    known = ("--hub-host", "localhost", "--env", sys.prefix, "--users", "alice", "--yes")
    done = run(hadoop, "-m", "yarnhub", "config", "-o", str(file), "--unit", str(unit), *known)
    assert done.returncode == 0, done.stdout + done.stderr
    keytab = hadoop.identity(HUB_USER)["KRB5_CLIENT_KTNAME"]
    assert f'c.YarnSpawner.keytab = "{keytab}"' in file.read_text()
    variables = hadoop.env() | hadoop.identity(HUB_USER)
    for name in ("KRB5_CLIENT_KTNAME", "KRB5CCNAME", "KRB5_CONFIG"):
        assert f"Environment={name}={variables[name]}" in unit.read_text().splitlines()


def test_the_tool_sees_a_switch_without_its_right(hadoop: MiniHadoop, tmp_path: Path):
    privileges = {"yarn__resourcemanager__proxy-user-privileges__enabled": "true"}
    conf = changed(hadoop, tmp_path, **privileges)
    for folder, said in ((str(hadoop.conf_dir), "will not be collected"), (conf, "but not")):
        done = run(hadoop, "-m", "yarnhub", "check", "tokens", "--json", HADOOP_CONF_DIR=folder)
        (finding,) = json.loads(done.stdout)
        assert finding["verdict"] == "warning"
        assert said in finding["why"]


def test_without_a_ticket_the_tool_says_what_to_do(hadoop: MiniHadoop):
    done = run(hadoop, "-m", "yarnhub", "apps", KRB5_CLIENT_KTNAME="/nowhere")
    assert done.returncode == 6
    assert "Run kinit" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_host_in_a_principal_is_the_servers_own_name():
    assert kerberos.principal_of("rm/_HOST@R", "127.0.0.1") == "rm/localhost@R"
    assert kerberos.principal_of("rm/node1.example@R", "127.0.0.1") == "rm/node1.example@R"


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {kerberos.NAMENODE: "nn"},
        {kerberos.NAMENODE: "nn/_HOST@R", "hadoop.rpc.protection": "strong"},
    ],
)
def test_a_configuration_that_is_wrong_is_told_before_anything_is_sent(properties: dict[str, str]):
    configuration = Configuration({"hadoop.security.authentication": "kerberos", **properties})
    with pytest.raises(ConfigurationError):
        kerberos.logins(configuration, kerberos.NAMENODE)
