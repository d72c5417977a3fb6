"""The HDFS user of a process, as far as it needs no KDC; tests/kerberos has one."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from hadoop_client.configuration import ConfigurationError
from hadoop_client.hdfs.native import NativeFileSystem
from hadoop_client.security.credentials import Credentials, Token, encode_vint
from hadoop_client.security.delegation import HDFS_KIND, YARN_KIND
from hadoop_client.security.identity import own_user


@pytest.fixture(autouse=True)
def conf_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HADOOP_HOME", "HADOOP_PROXY_USER", "HADOOP_TOKEN_FILE_LOCATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    monkeypatch.setenv("HADOOP_USER_NAME", "bob")
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/no-ticket")
    monkeypatch.delenv("KRB5_CLIENT_KTNAME", raising=False)
    return tmp_path


def secure(conf_dir: Path) -> None:
    (conf_dir / "core-site.xml").write_text(
        "<configuration><property><name>hadoop.security.authentication</name>"
        "<value>kerberos</value></property></configuration>"
    )


def token_of(owner: str, kind: str = HDFS_KIND, max_date: int = 1 << 60) -> Token:
    texts = b"".join(encode_vint(len(text)) + text for text in (owner.encode(), b"", b""))
    return Token(b"\0" + texts + encode_vint(1) + encode_vint(max_date), b"password", kind)


def give(tokens: list[Token], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = folder / "tokens"
    file.write_bytes(Credentials({token.kind: token for token in tokens}).to_bytes())
    monkeypatch.setenv("HADOOP_TOKEN_FILE_LOCATION", str(file))
    return file


@pytest.mark.parametrize("owner", ["alice", "alice@REALM", "alice/host@REALM"])
def test_with_kerberos_it_is_the_owner_of_the_token_for_hdfs(
    owner: str, conf_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    secure(conf_dir)
    give([token_of("carol", YARN_KIND), token_of(owner)], conf_dir, monkeypatch)
    monkeypatch.setenv("HADOOP_PROXY_USER", "dave")
    assert own_user() == "alice"


def test_without_kerberos_it_is_the_user_in_the_environment_or_the_account(
    conf_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    give([token_of("alice")], conf_dir, monkeypatch)
    assert own_user() == "bob"
    monkeypatch.delenv("HADOOP_USER_NAME")
    assert own_user() == pwd.getpwuid(os.geteuid()).pw_name


def nothing(conf_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pass


def cut_off_tokens(conf_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = give([token_of("alice")], conf_dir, monkeypatch)
    file.write_bytes(file.read_bytes()[:20])


def old_token(conf_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give([token_of("alice", max_date=1)], conf_dir, monkeypatch)


def broken_site(conf_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (conf_dir / "core-site.xml").write_text("<configuration>")


@pytest.mark.parametrize("left", [nothing, cut_off_tokens, old_token, broken_site])
def test_without_a_login_there_is_no_user_yet(
    left: Callable[..., None], conf_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    secure(conf_dir)
    left(conf_dir, monkeypatch)
    with pytest.raises(ConfigurationError):
        own_user()


def test_a_file_system_has_a_user_before_anybody_is_logged_in_and_notices_the_log_in(
    conf_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    secure(conf_dir)
    filesystem = NativeFileSystem("hdfs://127.0.0.1:9", 5)
    assert filesystem.user == "bob"
    give([token_of("alice")], conf_dir, monkeypatch)
    assert filesystem.user == "alice"
    monkeypatch.delenv("HADOOP_TOKEN_FILE_LOCATION")
    assert filesystem.user == "alice"
