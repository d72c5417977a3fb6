"""The Hadoop configuration that travels with a launch means the same as the hub's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hadoop_client.configuration import Configuration
from yarnspawner.launch.client_configuration import MOST_BYTES, client_files

PROPERTY = "<property><name>{}</name><value>{}</value>{}</property>"


CLUSTER = {
    "core-site": {
        "fs.defaultFS": "hdfs://ns1",
        "fs.viewfs.mounttable.all.link./a": "hdfs://ns1/a",
        "fs.permissions.umask-mode": "027",
        "hadoop.security.authentication": "kerberos",
        "hadoop.security.auth_to_local": "DEFAULT",
        "hadoop.rpc.protection": "privacy",
    },
    "hdfs-site": {
        "dfs.nameservices": "ns1",
        "dfs.ha.namenodes.ns1": "nn1,nn2",
        "dfs.namenode.rpc-address.ns1.nn1": "${the.domain.of.nn1}:8020",
        "dfs.namenode.rpc-address.ns1.nn2": "nn2.example.com",
        "dfs.client.failover.proxy.provider.ns1": "Provider",
        "dfs.namenode.kerberos.principal": "nn/_HOST@EXAMPLE.COM",
        "dfs.data.transfer.protection": "privacy",
        "dfs.user.home.dir.prefix": "/home",
        "the.domain.of.nn1": "nn1.${the.domain}",
        "the.domain": "example.com",
    },
    "yarn-site": {
        "yarn.resourcemanager.ha.enabled": "true",
        "yarn.resourcemanager.ha.rm-ids": "rm1,rm2",
        "yarn.resourcemanager.hostname.rm1": "rm1",
        "yarn.resourcemanager.hostname.rm2": "rm2",
        "yarn.resourcemanager.scheduler.address.rm2": "rm2:9030",
        "yarn.resourcemanager.principal": "rm/_HOST@EXAMPLE.COM",
    },
}


@pytest.fixture
def site() -> Iterator[Path]:
    """A directory that every user may read, which pytest's own are not."""
    with TemporaryDirectory(dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


def write(file: Path, *properties: str) -> None:
    file.write_text(f"<configuration>{''.join(properties)}</configuration>", encoding="utf-8")
    file.chmod(0o644)


def unpack(files: dict[str, bytes], directory: Path) -> Configuration:
    for path, content in files.items():
        (directory / path).parent.mkdir(exist_ok=True)
        (directory / path).write_bytes(content)
    return Configuration.load(directory / "hadoop_conf")


def test_it_has_the_same_properties(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(site / "included.xml", PROPERTY.format("included", "<é&amp;>".replace("<", "&lt;"), ""))
    write(
        site / "core-site.xml",
        '<include href="included.xml"/>',
        PROPERTY.format("kept", "1", "<final>true</final>"),
        PROPERTY.format("tmp", "/tmp/${user.name}/${env.WHERE}", ""),
        PROPERTY.format("fs.default.name", "hdfs://ns1", ""),
    )
    write(site / "hdfs-site.xml", PROPERTY.format("kept", "2", ""))
    hub = Configuration.load(site)
    server = unpack(client_files(site), tmp_path)
    monkeypatch.setenv("WHERE", "node")
    assert server.properties() == hub.properties()
    assert server.get("kept") == "1"
    assert (server.get("tmp") or "").endswith("/node")


def test_each_file_stays_one_because_java_mixes_them_with_its_defaults(site: Path) -> None:
    for name in ("core", "hdfs", "yarn"):
        write(site / f"{name}-site.xml", PROPERTY.format(name, "1", ""))
    files = client_files(site)
    assert list(files) == [f"hadoop_conf/{name}-site.xml" for name in ("core", "hdfs", "yarn")]


@pytest.mark.parametrize(
    "name",
    [
        "fs.s3a.secret.key",
        "fs.s3a.session.token",
        "fs.s3a.access.key",
        "fs.azure.account.key.site.dfs.core.windows.net",
        "fs.azure.account.oauth2.client.secret",
        "hadoop.security.group.mapping.ldap.bind.password",
        "ssl.server.keystore.keypassword",
        "fs.gs.auth.service.account.private.key",
        "fs.obs.secret.key",
        "fs.oss.accessKeySecret",
        "fs.tos.access-key-id",
        "fs.s3a.bucket.data.session.key",
        "fs.s3a.bucket.data.server-side-encryption.key",
        "fs.azure.account.oauth2.refresh.token.site.dfs.core.windows.net",
        "fs.azure.sas.container.site.blob.core.windows.net",
        "fs.azure.sas.fixed.token.site.dfs.core.windows.net",
        "fs.azure.client-provided-encryption-key.site.dfs.core.windows.net",
        "fs.azure.oauth2.client.id",
        "fs.adl.oauth2.refresh.url",
        "fs.gs.auth.client.id",
        "fs.gs.encryption.key.hash",
        "fs.gs.proxy.username",
        "fs.swift.service.a.apikey",
        "dfs.webhdfs.oauth2.token.of.a",
        "ha.zookeeper.auth",
        "yarn.resourcemanager.zk-auth",
    ],
)
def test_secrets_stay_on_the_hub(name: str, site: Path) -> None:
    write(site / "core-site.xml", PROPERTY.format(name, "hidden", ""))
    assert b"hidden" not in client_files(site)["hadoop_conf/core-site.xml"]


@pytest.mark.parametrize(
    "name",
    [
        "dfs.block.access.token.enable",
        "fs.azure.account.oauth.provider.type.site.dfs.core.windows.net",
        "fs.s3a.encryption.algorithm",
        "hadoop.security.credential.provider.path",
        "hadoop.security.token.service.use_ip",
        "yarn.resourcemanager.delegation.token.max-lifetime",
    ],
)
def test_what_is_no_secret_travels(name: str, site: Path) -> None:
    write(site / "core-site.xml", PROPERTY.format(name, "shown", ""))
    assert b"shown" in client_files(site)["hadoop_conf/core-site.xml"]


def test_what_the_site_names_as_sensitive_stays_on_the_hub(site: Path, tmp_path: Path) -> None:
    names = ("our.own.key", "our.other", "odd[name", "fs.defaultFS", "our.owner")
    write(site / "core-site.xml", *(PROPERTY.format(name, "1", "") for name in names))
    keys = PROPERTY.format(
        "hadoop.security.sensitive-config-keys", "own\\.key$,\n  (?i)OTHER, d[n", ""
    )
    write(site / "yarn-site.xml", keys)
    server = unpack(client_files(site), tmp_path)
    assert [server.get(name) for name in names] == [None, None, None, "1", "1"]


def make_private(site: Path, kind: str) -> None:
    if kind == "directory":
        site.chmod(0o700)
    elif kind == "directory above":
        for file in site.iterdir():
            (site / "conf").mkdir(exist_ok=True)
            file.rename(site / "conf" / file.name)
        site.chmod(0o750)
        for file in (site / "conf").iterdir():
            (site / file.name).symlink_to(file)
    else:
        for file in site.iterdir():
            file.chmod(0o640)


@pytest.mark.parametrize("kind", ["directory", "directory above", "files"])
def test_a_server_reaches_the_cluster_of_a_hub_whose_files_are_private_and_gets_no_more(
    site: Path, tmp_path: Path, kind: str
) -> None:
    for name, properties in CLUSTER.items():
        needed = [PROPERTY.format(key, value, "") for key, value in properties.items()]
        others = [PROPERTY.format(f"{name}.other", "hidden", "<final>true</final>")]
        write(site / f"{name}.xml", *needed, *others)
    make_private(site, kind)
    hub, server = Configuration.load(site), unpack(client_files(site), tmp_path)
    assert server.properties().keys() == {key for names in CLUSTER.values() for key in names}
    assert server.properties().items() <= hub.properties().items()
    assert server.namenode_addresses("ns1") == [
        ("nn1.example.com", 8020),
        ("nn2.example.com", 8020),
    ]
    assert server.scheduler_addresses() == hub.scheduler_addresses()


def test_a_link_in_a_private_directory_makes_no_file_private(site: Path, tmp_path: Path) -> None:
    write(site / "core-site.xml", PROPERTY.format("a", "1", ""))
    tmp_path.chmod(0o700)
    (tmp_path / "conf").symlink_to(site)
    assert unpack(client_files(tmp_path / "conf"), tmp_path).get("a") == "1"


def test_what_a_file_includes_stays_on_the_hub_if_not_all_users_may_read_that(
    site: Path, tmp_path: Path
) -> None:
    write(site / "private.xml", PROPERTY.format("hidden", "1", ""))
    (site / "private.xml").chmod(0o640)
    include = '<include href="private.xml"><fallback/></include>'
    write(site / "included.xml", include, PROPERTY.format("between", "1", ""))
    write(
        site / "core-site.xml",
        '<include href="included.xml"/>',
        PROPERTY.format("shown", "1", ""),
    )
    assert Configuration.load(site).get("hidden") == "1"
    server = unpack(client_files(site), tmp_path)
    assert [server.get(name) for name in ("shown", "between", "hidden")] == ["1", "1", None]


def test_a_configuration_that_is_too_large_stays_on_the_hub(site: Path) -> None:
    write(site / "core-site.xml", PROPERTY.format("a", "x" * MOST_BYTES, ""))
    assert client_files(site) == {}
