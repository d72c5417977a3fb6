"""The commands' access to YARN: names of servers, and errors."""

from __future__ import annotations

import pytest

from hadoop_client.configuration import ConfigurationError
from hadoop_client.rpc.call import ConnectError, RpcError
from yarnhub.errors import YarnError
from yarnhub.yarn import server_name, yarn_errors


def test_a_servers_name_comes_from_its_applications():
    assert server_name("alice", "jupyterhub-alice") == ""
    assert server_name("alice", "jupyterhub-alice-gpu-2") == "gpu-2"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ConfigurationError("HADOOP_CONF_DIR is not set."), "HADOOP_CONF_DIR is not set."),
        (ConnectError("refused", {("rm", 8032): "no route"}), "refused .rm:8032: no route"),
        (
            RpcError("AccessControlException", "denied"),
            "YARN refused: AccessControlException: denied.",
        ),
    ],
)
def test_an_error_of_yarns_client_becomes_a_yarn_error(error: Exception, message: str):
    with pytest.raises(YarnError, match=message) as raised, yarn_errors():
        raise error
    assert raised.value.exit_code == 6
