"""libhdfs in a process that is older than the tokens with which its JVM has logged in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.security.credentials import Credentials, Token
from hadoop_client.security.delegation import HDFS_KIND
from tests.contract.conftest import libhdfs  # noqa: F401 - pytest finds it by its name
from tests.kerberos.conftest import SECURITY
from tests.kerberos.test_servers import is_good
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER

PROCESS = Path(__file__).with_name("libhdfs_process.py")
ROOT = Path(__file__).parents[2]
FETCH = """
import asyncio, sys
from yarnspawner.container.tokens import write_tokens
from hadoop_client.security import kerberos
from hadoop_client.configuration import Configuration
from hadoop_client.security.credentials import Credentials
from yarnspawner.launcher.delegation_tokens import Tokens

async def main():
    configuration = Configuration.load()
    tokens = Tokens(configuration, kerberos.own_user(configuration), [])
    write_tokens(Credentials(await tokens.fetch("alice")), sys.argv[1])
    await tokens.close()

asyncio.run(main())
"""


def replace_tokens(hadoop: MiniHadoop, file: Path) -> Token:
    """Put new tokens of alice's there, as a server gets them from the hub; returns HDFS's."""
    subprocess.run(
        [sys.executable, "-c", FETCH, file],
        env={**os.environ, **hadoop.env(), **hadoop.identity(HUB_USER)},
        check=True,
    )
    tokens = Credentials.from_bytes(file.read_bytes()).tokens.values()
    return next(token for token in tokens if token.kind == HDFS_KIND)


@contextmanager
def writing(environment: dict[str, str], how: str) -> Iterator[Callable[[], Any]]:
    """Run a contents manager; yields how to have it go on, once it has an open file."""
    process = subprocess.Popen(
        [sys.executable, PROCESS, f"/user/alice/{how}", how],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def go_on() -> Any:
        out, _ = process.communicate("go on\n", timeout=120)
        return json.loads(out)

    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield go_on
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def environment(
    hadoop: MiniHadoop,
    libhdfs: dict[str, str],  # noqa: F811
    tmp_path: Path,
) -> dict[str, str]:
    """What a server of alice's has; its tokens are still to be written."""
    return {
        **os.environ,
        **hadoop.env(),
        **libhdfs,
        "PYTHONPATH": str(ROOT),
        "HADOOP_TOKEN_FILE_LOCATION": str(tmp_path / "tokens"),
        "KRB5CCNAME": f"FILE:{tmp_path}/no-ticket",
        **{f"JUPYTER_{kind}_DIR": str(tmp_path) for kind in ("CONFIG", "DATA", "RUNTIME")},
    }


@pytest.mark.heavy  # it waits for the end of a token, for two JVMs
def test_libhdfs_goes_on_with_new_tokens_and_would_fail_without(
    hadoop: MiniHadoop, environment: dict[str, str], tmp_path: Path, wait_until: Any
):
    file = tmp_path / "tokens"
    replace_tokens(hadoop, file)
    with writing(environment, "renewing") as renewing:
        token = replace_tokens(hadoop, file)  # a whole lifetime for the next JVM
        with writing(environment, "forgetful") as other:
            lifetime = SECURITY.token_max_seconds + 30
            wait_until(lambda: not is_good(hadoop, token), lifetime, "the token has ended")
            replace_tokens(hadoop, file)
            assert renewing() == ["begun, ended", "after"]
            failure = other()
    assert isinstance(failure, str), f"it had no need of the new tokens: {failure}"
    assert "token" in failure
