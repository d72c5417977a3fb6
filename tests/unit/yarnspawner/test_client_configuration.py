"""The Hadoop configuration that travels with a launch means the same as the hub's."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadoop_client.configuration import Configuration
from yarnspawner.launch.client_configuration import MOST_BYTES, client_files

PROPERTY = "<property><name>{}</name><value>{}</value>{}</property>"


def write(file: Path, *properties: str) -> None:
    file.write_text(f"<configuration>{''.join(properties)}</configuration>", encoding="utf-8")
    file.chmod(0o644)


def unpack(files: dict[str, bytes], directory: Path) -> Configuration:
    for path, content in files.items():
        (directory / path).parent.mkdir(exist_ok=True)
        (directory / path).write_bytes(content)
    return Configuration.load(directory / "hadoop_conf")


def test_it_has_the_same_properties(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path / "included.xml", PROPERTY.format("included", "<é&amp;>".replace("<", "&lt;"), "")
    )
    write(
        tmp_path / "core-site.xml",
        '<include href="included.xml"/>',
        PROPERTY.format("kept", "1", "<final>true</final>"),
        PROPERTY.format("tmp", "/tmp/${user.name}/${env.WHERE}", ""),
        PROPERTY.format("fs.default.name", "hdfs://ns1", ""),
    )
    write(tmp_path / "hdfs-site.xml", PROPERTY.format("kept", "2", ""))
    hub = Configuration.load(tmp_path)
    server = unpack(client_files(tmp_path), tmp_path)
    monkeypatch.setenv("WHERE", "node")
    assert server.properties() == hub.properties()
    assert server.get("kept") == "1"
    assert (server.get("tmp") or "").endswith("/node")


def test_each_file_stays_one_because_java_mixes_them_with_its_defaults(tmp_path: Path) -> None:
    for name in ("core", "hdfs", "yarn"):
        write(tmp_path / f"{name}-site.xml", PROPERTY.format(name, "1", ""))
    files = client_files(tmp_path)
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
    ],
)
def test_secrets_stay_on_the_hub(name: str, tmp_path: Path) -> None:
    write(tmp_path / "core-site.xml", PROPERTY.format(name, "hidden", ""))
    assert b"hidden" not in client_files(tmp_path)["hadoop_conf/core-site.xml"]


def test_files_that_not_all_users_may_read_stay_on_the_hub(tmp_path: Path) -> None:
    write(tmp_path / "core-site.xml", PROPERTY.format("a", "1", ""))
    (tmp_path / "core-site.xml").chmod(0o640)
    assert client_files(tmp_path) == {}


def test_what_a_file_includes_stays_on_the_hub_if_not_all_users_may_read_that(
    tmp_path: Path,
) -> None:
    write(tmp_path / "private.xml", PROPERTY.format("hidden", "1", ""))
    (tmp_path / "private.xml").chmod(0o640)
    include = '<include href="private.xml"><fallback/></include>'
    write(tmp_path / "included.xml", include, PROPERTY.format("between", "1", ""))
    write(
        tmp_path / "core-site.xml",
        '<include href="included.xml"/>',
        PROPERTY.format("shown", "1", ""),
    )
    assert Configuration.load(tmp_path).get("hidden") == "1"
    server = unpack(client_files(tmp_path), tmp_path)
    assert [server.get(name) for name in ("shown", "between", "hidden")] == ["1", "1", None]


def test_a_configuration_that_is_too_large_stays_on_the_hub(tmp_path: Path) -> None:
    write(tmp_path / "core-site.xml", PROPERTY.format("a", "x" * MOST_BYTES, ""))
    assert client_files(tmp_path) == {}
