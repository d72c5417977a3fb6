from __future__ import annotations

from yarnspawner.lab.facts import ServerFacts
from yarnspawner.lab.lifetime import HubLifetime
from yarnspawner.lab.status import status

FACTS = ServerFacts(
    memory=1 << 30, cores=2, queue="research", environment="lab", submitted=1000.0, lifetime=600
)


LIFETIME = HubLifetime(FACTS.ends, {})


def test_the_end_is_the_lifetime_after_the_submit_until_the_hub_answers() -> None:
    first = status(FACTS, {}, "/", 1, 2, LIFETIME, [])
    assert (first["ends"], first["latest"]) == (1600.0, None)
    assert status(FACTS, {}, "/", 1, 2, HubLifetime(ServerFacts().ends, {}), [])["ends"] is None


def test_the_mount_or_its_problem_is_reported() -> None:
    variables = {"YARNHUB_MOUNT": "/srv/hdfs", "NM_HOST": "node1"}
    mounted = status(FACTS, variables, "/srv/hdfs/user/alice/notebooks", 1, 2, LIFETIME, [])
    assert mounted["files"] == "/srv/hdfs/user/alice/notebooks"
    assert (mounted["mount"], mounted["mount_problem"]) == ("/srv/hdfs", "")
    assert mounted["node"] == "node1"
    without = status(FACTS, {"YARNHUB_MOUNT_FAILURE": "FUSE is off."}, "/local", 1, 2, LIFETIME, [])
    assert without["files"] == ""
    assert (without["mount"], without["mount_problem"]) == ("", "FUSE is off.")


def test_facts_of_a_later_hub_are_ignored() -> None:
    text = FACTS.to_json().replace("{", '{"from_a_later_hub": 1, ', 1)
    assert ServerFacts.from_json(text) == FACTS
