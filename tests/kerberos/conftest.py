"""One Hadoop with Kerberos for all tests of it, and hubs that log in there by a keytab."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hadoop import hub
from tests.hadoop.hub import Hub
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import Security

# Tokens that nobody renews end soon. hdfs-native takes none whose maximum is less than a minute
# away.
SECURITY = Security(token_renew_seconds=30, token_max_seconds=110)


@pytest.fixture(scope="session")
def hadoop() -> Iterator[MiniHadoop]:
    """A cluster with Kerberos, instead of the simple one of all other tests. It collects logs."""
    collect = {"yarn.log-aggregation-enable": "true"}
    with MiniHadoop(datanodes=1, security=SECURITY, yarn=collect) as cluster:
        # The folder of a daemon's configuration comes first where it looks for classes.
        compiler = cluster.state.distribution.java_home / "bin" / "javac"
        source = Path(__file__).with_name("SecureIOUtils.java")
        subprocess.run([compiler, "-d", cluster.conf_dir / "nodemanager1", source], check=True)
        yield cluster


@pytest.fixture(scope="module")
def keytab_config(hadoop: MiniHadoop) -> str:
    """The configuration of a hub that has a keytab."""
    return hub.keytab_config(hadoop)


@pytest.fixture(scope="module")
def hub_config(hub_config: str, keytab_config: str) -> str:
    return keytab_config + hub_config


@pytest.fixture
def make_secure_hub(make_hub: Any, keytab_config: str) -> Callable[..., Hub]:
    """`make_secure_hub(extra_config)`: start a hub that has a keytab."""

    def make(extra_config: str = "") -> Hub:
        return make_hub(keytab_config + extra_config)

    return make
