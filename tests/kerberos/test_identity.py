"""Who a process is to HDFS, by what it says itself and by whose its files are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kerberos.test_libhdfs import replace_tokens
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER

MAKE_A_DIRECTORY = """
import json, sys
from hadoop_client.hdfs.filesystem import open_filesystem
hdfs = open_filesystem()
hdfs.mkdirs(sys.argv[1])
print(json.dumps([hdfs.user, hdfs.stat(sys.argv[1]).owner]))
"""


@pytest.mark.parametrize("by", ["keytab", "service", "tokens"])
def test_a_file_system_says_whose_its_files_will_be(by: str, hadoop: MiniHadoop, tmp_path: Path):
    login = {
        "keytab": hadoop.identity("alice"),
        "service": {**hadoop.identity(HUB_USER), "HADOOP_PROXY_USER": "alice"},
        "tokens": {
            "HADOOP_TOKEN_FILE_LOCATION": f"{tmp_path}/tokens",
            "KRB5CCNAME": f"FILE:{tmp_path}/no-ticket",
        },
    }
    if by == "tokens":
        replace_tokens(hadoop, tmp_path / "tokens")
    done = subprocess.run(
        [sys.executable, "-c", MAKE_A_DIRECTORY, f"/user/alice/made-by-{by}"],
        env={**os.environ, **hadoop.env(), **login[by], "HADOOP_USER_NAME": "bob"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["alice", "alice"]
