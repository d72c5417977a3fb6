"""Spark from a notebook, as docs/spark.md says, on a cluster with Kerberos: by tokens alone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.security.credentials import Credentials, Token
from hadoop_client.security.delegation import HDFS_KIND
from tests.hadoop.hub import Hub
from tests.hadoop.test_spark import CELL, DEFAULTS
from tests.hadoop.test_spark import pyspark as pyspark  # pytest finds it by its name
from tests.kerberos.test_servers import NOTEBOOKS, browser_of, is_good, owner_of, tokens_of
from yarnhub.demo import browser
from yarnhub.demo.browser import Browser
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import Security

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]

# A session has to start within half of what its tokens hold.
SECURITY = Security(token_renew_seconds=120, token_max_seconds=600)
ARCHIVE = (
    '    .config("spark.yarn.dist.archives", os.environ["YARNHUB_ARCHIVE"] + "#environment")\n'
)
SERVER = """
c.YarnSpawner.mem_limit = "2G"
c.YarnSpawner.environment = {{"PYTHONPATH": {pyspark!r}, "SPARK_CONF_DIR": {conf!r},
    "SPARK_LOCAL_HOSTNAME": "127.0.0.1", "PYSPARK_PYTHON": {python!r}}}
"""
# With the tokens of this moment, whenever Spark may read them. A JVM's home in HDFS is by its Unix
# user, who is alice where containers run as their users: here they all run as the NodeManager's.
BEGIN = """
import os, pathlib, shutil, time
folder = pathlib.Path({folder!r})
new = os.environ["HADOOP_TOKEN_FILE_LOCATION"]
shutil.copy(new, folder / "tokens")
os.environ["HADOOP_TOKEN_FILE_LOCATION"] = str(folder / "tokens")
os.environ["HADOOP_PROXY_USER"] = "alice"
"""
STOP = "\nspark.stop()"
GO_ON = """
os.environ["HADOOP_TOKEN_FILE_LOCATION"] = new
(folder / "started").touch()
while not (folder / "go").exists():
    time.sleep(0.1)
def again():
    spark.range(7).write.mode("overwrite").parquet("numbers")
    return spark.read.parquet("numbers").count()
try:
    print("\\nwithout", again())
except Exception as error:
    print("\\nwithout", "InvalidToken" in str(error))
from hdfs_contents.spark import keep_tokens
keep_tokens(spark)
print("\\nwith", again())
spark.stop()
"""


@pytest.fixture(scope="module")
def hadoop() -> Iterator[MiniHadoop]:
    with MiniHadoop(nodemanagers=1, users=("alice", "bob"), security=SECURITY) as cluster:
        yield cluster


@pytest.fixture
def spark_hub(
    make_secure_hub: Callable[..., Hub],
    pyspark: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Hub:
    """A hub whose servers have Spark, from folders that each node has."""
    monkeypatch.setattr(browser, "KERNEL_TIMEOUT_SECONDS", 600)
    lines = [line for line in DEFAULTS.splitlines() if "spark.yarn.archive" not in line]
    lines += [f"spark.yarn.jars local:{pyspark}/pyspark/jars/*", "spark.executor.instances 1"]
    (tmp_path / "spark-defaults.conf").write_text("\n".join(lines))
    words = {"pyspark": str(pyspark), "conf": str(tmp_path), "python": sys.executable}
    return make_secure_hub(NOTEBOOKS + SERVER.format(**words))


class Notebook:
    """Alice's notebook, and the tokens of her server."""

    def __init__(self, alice: Browser, hub: Hub, hadoop: MiniHadoop, folder: Path) -> None:
        self._alice, self._hadoop, self._folder = alice, hadoop, folder
        self._application = hub.application_of("alice")

    async def run(self, end: str) -> list[str]:
        """Run the page's cell and what ends it; returns the lines that it printed."""
        cell = CELL.replace(ARCHIVE, "")
        printed = await self._alice.run_cell(BEGIN.format(folder=str(self._folder)) + cell + end)
        return [line.rpartition("\r")[2].strip() for line in printed.splitlines()]

    def token(self) -> Token:
        """The server's token for HDFS."""
        return tokens_of(self._hadoop, self._application)[HDFS_KIND]

    def sessions_token(self) -> Token:
        """The one with which the last session was started."""
        copied = Credentials.from_bytes((self._folder / "tokens").read_bytes()).tokens.values()
        return next(token for token in copied if token.kind == HDFS_KIND)


async def until(wait_until: Any, predicate: Callable[[], Any], what: str) -> None:
    await asyncio.to_thread(wait_until, predicate, 300, what)


async def test_a_session_starts_at_any_time_and_its_end_leaves_the_server_its_tokens(
    spark_hub: Hub, hadoop: MiniHadoop, tmp_path: Path, wait_until: Any
):
    async with browser_of(spark_hub, "alice") as alice:
        notebook = Notebook(alice, spark_hub, hadoop, tmp_path)
        first = notebook.token()
        assert "332833500" in (await notebook.run(STOP))[-1]
        assert is_good(hadoop, notebook.sessions_token())
        await until(wait_until, lambda: notebook.token() != first, "the server has new tokens")
        assert "332833500" in (await notebook.run(STOP))[-1]
        assert is_good(hadoop, notebook.sessions_token())
    assert owner_of(hadoop, "/user/alice/squares") == "alice"


async def test_a_session_outlives_its_tokens_by_the_servers_new_ones(
    spark_hub: Hub, hadoop: MiniHadoop, tmp_path: Path, wait_until: Any
):
    async with browser_of(spark_hub, "alice") as alice:
        notebook = Notebook(alice, spark_hub, hadoop, tmp_path)
        first = notebook.token()
        await until(wait_until, lambda: notebook.token() != first, "tokens that nobody renews")
        session = asyncio.create_task(notebook.run(GO_ON))
        started = tmp_path / "started"
        await until(wait_until, lambda: session.done() or started.exists(), "the session")
        assert not session.done(), await session
        old = notebook.sessions_token()
        await until(wait_until, lambda: not is_good(hadoop, old), "the end of its tokens")
        (tmp_path / "go").touch()
        printed = await session
        assert {"without True", "with 7"} <= set(printed), printed
