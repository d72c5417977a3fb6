"""An application id that another user has taken before the hub got it: nobody is routed there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import Login
from hadoop_client.yarn.records import (
    ApplicationAccess,
    ApplicationAcl,
    ApplicationId,
    ApplicationSubmissionContext,
    ContainerLaunchContext,
    Resource,
)
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    GET_NEW_APPLICATION,
    SUBMIT_APPLICATION,
    GetNewApplicationRequest,
    SubmitApplicationRequest,
)
from tests.hadoop.yarn_rest import application, end_application
from yarnhub.minihadoop import MiniHadoop
from yarnspawner.spawner import SUBMIT_ATTEMPTS


@pytest.fixture
def take_ids(hadoop: MiniHadoop) -> Callable[[int], list[str]]:
    """`take_ids(count)`: mallory submits under the ids that YARN will give out next."""

    def take(count: int) -> list[str]:
        ports = hadoop.state.ports
        address = (ports.resourcemanager_host, ports.resourcemanager)
        client = BlockingClient([address], APPLICATION_CLIENT_PROTOCOL, Login("mallory"))
        newest = client.call(GET_NEW_APPLICATION, GetNewApplicationRequest()).application_id
        taken = [
            ApplicationId(newest.id + offset, newest.cluster_timestamp)
            for offset in range(1, count + 1)
        ]
        open_to_all = ApplicationAcl(access_type=ApplicationAccess.VIEW_APP, acl="*")
        for application_id in taken:
            context = ApplicationSubmissionContext(
                application_id=application_id,
                application_name="x",
                queue="default",
                max_app_attempts=1,
                resource=Resource(memory_mb=128, vcores=1),
                am_container_spec=ContainerLaunchContext(
                    command=("sleep 600",), application_acls=(open_to_all,)
                ),
            )
            client.call(SUBMIT_APPLICATION, SubmitApplicationRequest(context))
        client.close()
        return [str(application_id) for application_id in taken]

    return take


def test_a_server_gets_another_id_and_the_other_application_lives_on(
    make_hub: Any, hadoop: MiniHadoop, take_ids: Callable[[int], list[str]]
):
    hub = make_hub()
    taken = take_ids(2)
    started = hub.start_server("alice")
    assert started not in taken
    assert application(hadoop, started)["user"] == "alice"
    assert "The user mallory submitted an application under the id" in hub.log()
    hub.stop_server("alice")
    for application_id in taken:
        assert application(hadoop, application_id)["state"] not in ("FINISHED", "KILLED", "FAILED")
        end_application(hadoop, application_id, "mallory")


def test_a_start_that_finds_all_ids_taken_is_refused_in_a_sentence(
    make_hub: Any, hadoop: MiniHadoop, take_ids: Callable[[int], list[str]]
):
    hub = make_hub("c.JupyterHub.authenticate_prometheus = False\n")
    taken = take_ids(SUBMIT_ATTEMPTS)
    assert "Ask an administrator to look at what mallory submits" in hub.refuse_server("alice")
    metrics = hub.get("/hub/metrics").text
    assert f"yarnspawner_foreign_applications_total {SUBMIT_ATTEMPTS}.0" in metrics
    assert "/user/alice/ =>" not in hub.log()
    for application_id in taken:
        assert application(hadoop, application_id)["state"] not in ("FINISHED", "KILLED", "FAILED")
        end_application(hadoop, application_id, "mallory")
