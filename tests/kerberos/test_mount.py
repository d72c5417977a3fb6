"""The mount's daemon on a cluster with Kerberos: its tokens end, and it gets new ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hadoop.contents.conftest import ROOT
from tests.kerberos.conftest import SECURITY
from tests.kerberos.test_libhdfs import replace_tokens
from tests.kerberos.test_servers import is_good
from tests.mounts import Mount
from yarnhub.minihadoop import MiniHadoop

pytestmark = pytest.mark.heavy  # waits for the end of tokens, and starts a NameNode again


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


@pytest.fixture
def mount(hadoop: MiniHadoop, tmp_path: Path, tokens: Path) -> Iterator[Mount]:
    """All of HDFS, mounted by alice's tokens."""
    environment = {
        **os.environ,
        **hadoop.env(),
        "HADOOP_TOKEN_FILE_LOCATION": str(tokens),
        "KRB5CCNAME": "/nowhere",
        "KRB5_CLIENT_KTNAME": "/nowhere",
        "PYTHONPATH": str(ROOT),
    }
    daemon = [sys.executable, "-m", "hdfs_contents.mount", f"--staging={tmp_path / 'staging'}"]
    replace_tokens(hadoop, tokens)
    mount = Mount(tmp_path / "hdfs", daemon, environment)
    yield mount
    assert mount.close() == 0


def test_files_are_read_and_written_again_once_the_daemon_has_new_tokens(
    hadoop: MiniHadoop, mount: Mount, tokens: Path, wait_until: Callable[..., object]
) -> None:
    first = replace_tokens(hadoop, tokens)
    home = mount.path / "user" / "alice"
    (home / "a").write_text("by the first token")
    wait_until(lambda: not is_good(hadoop, first), SECURITY.token_max_seconds, "its token ends")
    hadoop.namenode.stop()  # it asks for a token when a client connects
    hadoop.namenode.start()
    hadoop.wait_ready()
    for call in (lambda: (home / "a").read_text(), lambda: (home / "a").write_text("lost")):
        with pytest.raises(PermissionError):
            call()
    replace_tokens(hadoop, tokens)
    assert (home / "a").read_text() == "by the first token"
    (home / "a").write_text("by the second token")
    assert (home / "a").read_text() == "by the second token"
