"""The profiles that can never start on a cluster, and what to set."""

from __future__ import annotations

from typing import Any

import pytest

from yarnhub.check.edge_node import EdgeNode
from yarnhub.check.profiles import ClusterFacts, as_started, check_profiles, judge_profiles
from yarnhub.check.results import CheckResult, Verdict
from yarnhub.check.settings import HubSettings
from yarnhub.check.verdicts import Queue
from yarnspawner.profiles.config import parse_profiles
from yarnspawner.profiles.offer import ClusterOffer

GIB = 1 << 30
GONE = "There is no environment 'gone' in /apps/yarnhub/envs. Published there: lab."
FACTS = ClusterFacts(
    ClusterOffer({"memory": 4 * GIB, "cores": 8, "gpus": 0}, frozenset({"ssd"})),
    [
        Queue("root.default", frozenset({"default", "root.default"})),
        Queue("root.users.alice", frozenset({"alice", "root.users.alice"})),
        Queue("root.old", frozenset({"old", "root.old"}), runs=False),
    ],
    {"gone": GONE},
)


def judged(
    *profiles: dict[str, Any], facts: ClusterFacts = FACTS, **settings: Any
) -> list[CheckResult]:
    parsed = parse_profiles(profiles or [{"name": "default"}]).all
    choices = [as_started(profile, HubSettings(**settings)) for profile in parsed]
    return judge_profiles(choices, facts, "alice", declared=bool(profiles))


def failed(why: str, remedy: str) -> list[CheckResult]:
    return [CheckResult("profiles", Verdict.FAILED, why, remedy)]


def test_profiles_that_fit_are_one_line():
    profiles = [
        {"name": "small", "memory": "2G", "queue": "root.users.{username}", "node_label": "ssd"},
        {"name": "custom", "memory": {"max": "64G"}, "gpus": {"max": 2}, "environment": "/opt/lab"},
    ]
    assert judged(*profiles) == [
        CheckResult("profiles", Verdict.OK, "A server of each profile fits the cluster.")
    ]


NEVER = {
    "memory": (
        {"memory": "64G"},
        "64G of memory is more than this cluster gives a server (4G).",
        "Set memory to at most 4G.",
    ),
    "range of memory": (
        {"memory": {"min": "8G", "max": "64G"}},
        "8G of memory is more than this cluster gives a server (4G).",
        "Set the min of memory to at most 4G.",
    ),
    "cores": (
        {"cores": 16},
        "16 cores is more than this cluster gives a server (8).",
        "Set cores to at most 8.",
    ),
    "gpus": ({"gpus": 1}, "This cluster has no GPUs.", "Set gpus to at most 0."),
    "missing queue": (
        {"queue": "research"},
        "There is no queue research for applications. Existing queues: root.default, root.old, "
        "root.users.alice.",
        "Set queue to one of them.",
    ),
    "stopped queue": (
        {"queue": {"choices": ["old"]}},
        "The queue old is stopped.",
        "Set its state to RUNNING in capacity-scheduler.xml, then `yarn rmadmin -refreshQueues`.",
    ),
    "node label": (
        {"node_label": "gpu"},
        "The cluster has no node label gpu. Its labels: ssd.",
        "Set node_label to one of them, or add the label.",
    ),
    "environment": (
        {"environment": "gone"},
        GONE,
        "Publish it with `yarnhub pack-env`, or set environment to another environment.",
    ),
}


@pytest.mark.parametrize(("values", "why", "remedy"), NEVER.values(), ids=NEVER)
def test_a_profile_that_can_never_start_is_a_failure(values: dict[str, Any], why: str, remedy: str):
    found = judged({"name": "big", **values})
    assert found == failed(f"The profile big can never start. {why}", remedy)


def test_a_problem_of_several_profiles_is_said_once():
    names = ("a", "b")
    assert judged(*({"name": name, "environment": "gone"} for name in names)) == failed(
        f"The profiles a, b can never start. {GONE}",
        "Publish it with `yarnhub pack-env`, or set environment to another environment.",
    )


def test_a_profile_has_the_size_of_the_settings_if_it_declares_none():
    why = "8G of memory is more than this cluster gives a server (4G)."
    remedy = "Set c.YarnSpawner.mem_limit to at most 4G."
    assert judged({"name": "a"}, {"name": "b", "memory": "1G"}, mem_limit="8G") == failed(
        f"The profile a can never start. {why}", remedy
    )
    assert judged(mem_limit="8G") == failed(f"No server can start. {why}", remedy)
    assert judged()[0].why == "A server fits the cluster."


def test_a_choice_that_does_not_exist_is_a_warning():
    found = judged({"name": "custom", "environment": {"choices": ["lab", "gone"]}})
    assert [result.verdict for result in found] == [Verdict.WARNING]
    assert found[0].why == (
        f"No server starts with one of the choices of the profile custom. {GONE}"
    )


def test_a_queue_need_not_exist_if_placement_rules_may_choose_another():
    facts = ClusterFacts(FACTS.offer, FACTS.queues, yarn_may_choose=True)
    found = judged({"name": "a", "queue": "research"}, facts=facts)
    assert [result.verdict for result in found] == [Verdict.WARNING]


def test_a_mistake_in_the_profiles_is_a_failure():
    edge = EdgeNode(HubSettings(profiles=[{"name": "a", "memroy": "2G"}]), "alice")
    [result] = check_profiles(edge)
    assert result.verdict is Verdict.FAILED
    assert "a: unknown key 'memroy'" in result.why


def test_profiles_of_a_function_are_not_checked():
    [result] = check_profiles(EdgeNode(HubSettings(profiles=lambda spawner: []), "alice"))
    assert result.verdict is Verdict.SKIPPED
