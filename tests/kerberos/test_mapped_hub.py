"""A cluster as banks have it: the ResourceManager maps the hub's principal to another name, lets no
user administer queues, and makes each user a queue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hadoop.hub import CONFIGURED_BY_STARTS, Hub, keytab_config, running_hub
from tests.hadoop.yarn_rest import application
from tests.kerberos.test_rpc import run
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.secure_site import REALM
from yarnhub.minihadoop.settings import HUB_USER, PEOPLE, Security, superuser

pytestmark = pytest.mark.heavy

#: Who the hub is to the ResourceManager.
MAPPED = "svcjh"
SCHEDULER = "yarn.scheduler.capacity."
SITE = {
    "hadoop.security.auth_to_local": (
        f"RULE:[2:$1@$0]([ndr][nm]@{REALM})s/.*/{superuser()}/\n"
        f"RULE:[2:$1@$0]({HUB_USER}@{REALM})s/.*/{MAPPED}/\n"
        "DEFAULT"
    ),
    f"hadoop.proxyuser.{MAPPED}.hosts": "*",
    f"hadoop.proxyuser.{MAPPED}.groups": PEOPLE,
    f"{SCHEDULER}root.acl_administer_queue": " ",
    f"{SCHEDULER}root.acl_submit_applications": "*",
    f"{SCHEDULER}root.research.auto-create-child-queue.enabled": "true",
    f"{SCHEDULER}root.research.leaf-queue-template.capacity": "50",
    f"{SCHEDULER}root.research.leaf-queue-template.maximum-am-resource-percent": "1.0",
    f"{SCHEDULER}queue-mappings": "u:%user:root.research.%user",
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[MiniHadoop]:
    with MiniHadoop(datanodes=1, security=Security(), yarn=SITE) as hadoop:
        yield hadoop


@pytest.fixture(scope="module")
def hub(cluster: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    config = keytab_config(cluster) + CONFIGURED_BY_STARTS
    with running_hub(tmp_path_factory.mktemp("hub"), cluster.env(), config) as hub:
        yield hub


def test_a_server_starts_in_a_queue_that_yarn_makes_for_its_user(
    hub: Hub, cluster: MiniHadoop
) -> None:
    # The start ends only if the hub may see the address that its server has reported to YARN.
    started = hub.start_server("alice", config="c.YarnSpawner.queue = 'default'\n")
    assert application(cluster, started)["queue"] == "root.research.alice"
    assert hub.environment_of("alice")["HADOOP_USER_NAME"] == "alice"
    hub.stop_server("alice")


def test_a_queue_that_only_a_rule_may_choose_is_refused_with_the_reason(hub: Hub) -> None:
    message = hub.refuse_server("alice", "c.YarnSpawner.queue = 'root.research.{username}'\n")
    assert "no mapping rule of YARN leads alice to queue root.research.alice" in message


def test_the_check_does_not_fail(cluster: MiniHadoop, tmp_path: Path) -> None:
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(f"c = get_config()\n{keytab_config(cluster)}")
    options = ("--config", str(config), "--user", "bob", "--json")
    done = run(cluster, "-m", "yarnhub", "check", "rm", "queues", "proxyuser", *options)
    verdicts = {result["verdict"] for result in json.loads(done.stdout)}
    assert verdicts <= {"ok", "warning"}, done.stdout
