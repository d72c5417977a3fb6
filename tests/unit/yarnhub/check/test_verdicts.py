"""The verdicts on facts about a cluster."""

from __future__ import annotations

import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.hdfs.filesystem import Usage
from hadoop_client.yarn.reports import QueueInfo
from yarnhub.check.callback import judge_callback
from yarnhub.check.contents import judge_quota
from yarnhub.check.results import CheckResult, Verdict, exit_code
from yarnhub.check.security import check_encryption
from yarnhub.check.verdicts import (
    HomeDirectory,
    Queue,
    judge_clock,
    judge_encryption,
    judge_home,
    judge_keytab,
    judge_memory,
    judge_queue,
    judge_tokens,
)
from yarnhub.probes import ProbeOutcome
from yarnspawner.launch.allocation import Allocation


def test_only_a_failure_gives_an_exit_code():
    results = [CheckResult("rm", verdict, "") for verdict in Verdict]
    assert exit_code(results) == 1
    assert exit_code([result for result in results if result.verdict is not Verdict.FAILED]) == 0


@pytest.mark.parametrize(
    ("mode", "readable", "verdict"),
    [
        (0o400, True, Verdict.OK),
        (0o440, True, Verdict.FAILED),
        (0o604, True, Verdict.FAILED),
        (0o400, False, Verdict.FAILED),
        (None, False, Verdict.FAILED),
    ],
)
def test_a_keytab_is_for_its_owner_only(mode, readable, verdict):
    for needed in (True, False):
        assert judge_keytab("/etc/hub.keytab", needed, mode, readable).verdict is verdict


def test_a_hub_on_a_cluster_with_kerberos_needs_a_keytab():
    assert judge_keytab("", True, None, readable=False).verdict is Verdict.WARNING
    assert judge_keytab("", False, None, readable=False).verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("skew", "verdict"),
    [
        (0.0, Verdict.OK),
        (-31.0, Verdict.WARNING),
        (31.0, Verdict.WARNING),
        (-400.0, Verdict.FAILED),
        (None, Verdict.SKIPPED),
    ],
)
def test_clocks_may_be_apart_in_either_direction_but_not_far(skew, verdict):
    assert judge_clock("node1", skew).verdict is verdict


@pytest.mark.parametrize(
    ("collects", "renews", "may_act", "verdict", "text"),
    [
        (False, False, False, Verdict.OK, "Log aggregation is off"),
        (True, True, True, Verdict.OK, "longer than 7 days are collected too"),
        (True, False, False, Verdict.WARNING, "longer than 7 days will not be collected"),
        (True, True, False, Verdict.WARNING, "not hadoop.proxyuser.yarn.hosts and .groups"),
        (True, False, True, Verdict.WARNING, "not yarn.resourcemanager.proxy-user-privileges"),
    ],
)
def test_logs_of_long_running_servers_need_both_properties(
    collects, renews, may_act, verdict, text
):
    result = judge_tokens(7, collects, renews, "yarn", may_act)
    assert result.verdict is verdict
    assert text in result.why


#: The queues that the two schedulers report.
CAPACITY = QueueInfo(name="notebooks", path="root.notebooks")
OLD_CAPACITY = QueueInfo(name="notebooks")
FAIR = QueueInfo(name="root.notebooks")


@pytest.mark.parametrize("info", [CAPACITY, OLD_CAPACITY, FAIR])
def test_rights_to_a_queue_count_by_each_of_its_names(info: QueueInfo):
    leaves = [Queue(info.path or info.name, info.names)]
    for queue in info.names:
        for allowed in info.names:
            assert verdict_on_queue(queue, leaves, [allowed]) is Verdict.OK
        assert verdict_on_queue(queue, leaves, ["root.books"]) is Verdict.FAILED
        assert verdict_on_queue(queue, leaves, []) is Verdict.FAILED
        assert verdict_on_queue(queue, leaves, None) is Verdict.SKIPPED
    assert verdict_on_queue("books", leaves, ["notebooks"]) is Verdict.FAILED


def test_rights_may_have_the_path_of_a_queue_that_is_listed_by_its_short_name():
    leaves = [Queue("notebooks", OLD_CAPACITY.names)]
    assert verdict_on_queue("notebooks", leaves, ["root.teams.notebooks"]) is Verdict.OK
    assert verdict_on_queue("notebooks", leaves, ["root.teams.books"]) is Verdict.FAILED
    with_path = [Queue("root.notebooks", CAPACITY.names)]
    assert verdict_on_queue("notebooks", with_path, ["root.teams.notebooks"]) is Verdict.FAILED


def test_a_queue_of_the_fair_scheduler_may_be_named_without_root():
    assert FAIR.names == {"notebooks", "root.notebooks"}
    assert QueueInfo(name="root.users.alice").names == {"users.alice", "root.users.alice"}


def verdict_on_queue(
    queue: str, leaves: list[Queue], allowed: list[str] | None, *, yarn_may_choose: bool = False
) -> Verdict:
    return judge_queue(queue, leaves, "alice", allowed, yarn_may_choose).verdict


@pytest.mark.parametrize(
    "leaves",
    [[], [Queue("default", frozenset({"default"}), runs=False)], [Queue("d", frozenset({"d"}))]],
)
def test_a_queue_that_placement_rules_may_replace_is_no_failure(leaves: list[Queue]):
    assert verdict_on_queue("default", leaves, []) is Verdict.FAILED
    result = judge_queue("default", leaves, "alice", [], yarn_may_choose=True)
    assert result.verdict is Verdict.WARNING
    assert result.remedy.startswith("If YARN's placement rules choose another queue")


def test_a_home_belongs_to_its_user():
    home = HomeDirectory("/user/alice", "bob", is_dir=True, mode=0o700)
    assert judge_home("alice", home.path, home, made_by_hub=True).verdict is Verdict.FAILED
    assert judge_home("bob", home.path, home, made_by_hub=False).verdict is Verdict.OK


def test_a_missing_home_is_fine_only_if_the_hub_creates_it():
    assert judge_home("alice", "/user/alice", None, made_by_hub=True).verdict is Verdict.OK
    assert judge_home("alice", "/user/alice", None, made_by_hub=False).verdict is Verdict.FAILED


def test_commands_for_an_administrator_are_quoted():
    result = judge_home("a;reboot", "/user/a;reboot", None, made_by_hub=False)
    assert "-chown 'a;reboot' '/user/a;reboot'" in result.remedy


def test_a_quota_that_is_nearly_used_up_is_a_warning():
    assert judge_quota("/r", Usage(1, 1, 3, None)).verdict is Verdict.WARNING
    assert judge_quota("/r", Usage(1, 1, None, 1 << 20)).verdict is Verdict.WARNING
    assert judge_quota("/r", Usage(1, 1, 1000, 1 << 40)).verdict is Verdict.OK
    assert judge_quota("/r", Usage(1, 1, None, None)).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("outcome", "verdict", "why"),
    [
        (
            ProbeOutcome("FINISHED", ok=True),
            Verdict.OK,
            "A container reaches the hub at edge:8081.",
        ),
        (
            ProbeOutcome(
                "FAILED",
                diagnostics="The server ended with exit code 1.\nNo route to host",
                why="x",
            ),
            Verdict.FAILED,
            "A container cannot reach the hub at edge:8081: No route to host.",
        ),
        (
            ProbeOutcome("TIMEOUT", why="It did not end within 180 seconds."),
            Verdict.FAILED,
            "No container ran to call the hub. It did not end within 180 seconds.",
        ),
    ],
)
def test_the_callback_is_judged_by_the_containers_outcome(
    outcome: ProbeOutcome, verdict: Verdict, why: str
):
    result = judge_callback("edge:8081", outcome)
    assert (result.verdict, result.why) == (verdict, why)
    assert bool(result.remedy) is (verdict is Verdict.FAILED)


GIB, OVERHEAD = 1 << 30, 72 << 20


@pytest.mark.parametrize(
    ("limit", "overhead", "step", "verdict", "text"),
    [
        (2 * GIB, OVERHEAD, 1024, Verdict.WARNING, "A server of 2G takes 3G of the cluster"),
        (GIB, OVERHEAD, 1024, Verdict.WARNING, "A server of 1G takes 2G of the cluster"),
        (2 * GIB, 0, 1024, Verdict.OK, "A server of 2G takes 2G of the cluster"),
        (8 * GIB, OVERHEAD, 1024, Verdict.OK, "A server of 8G takes 9G of the cluster"),
        (2 * GIB, OVERHEAD, 128, Verdict.OK, "A server of 2G takes 2176M of the cluster"),
    ],
)
def test_the_memory_that_a_server_really_takes_is_shown(limit, overhead, step, verdict, text):
    result = judge_memory(limit, overhead, Allocation(step, step))
    assert result.verdict is verdict
    assert text in result.why
    assert (verdict is Verdict.WARNING) == ("am_overhead_in_mem_limit" in result.remedy)


def test_a_step_that_the_server_itself_wastes_is_no_matter_of_the_overhead():
    result = judge_memory(100 << 20, OVERHEAD, Allocation())
    assert result.verdict is Verdict.WARNING
    assert result.remedy == "Lower yarn.scheduler.minimum-allocation-mb."


@pytest.mark.parametrize(
    ("properties", "verdict"),
    [
        ({}, Verdict.SKIPPED),
        ({"dfs.data.transfer.protection": "integrity"}, Verdict.SKIPPED),
        ({"dfs.data.transfer.protection": "authentication,privacy"}, Verdict.SKIPPED),
        ({"dfs.data.transfer.protection": "privacy"}, Verdict.WARNING),
        ({"dfs.data.transfer.protection": "Privacy, integrity"}, Verdict.WARNING),
        ({"dfs.encrypt.data.transfer": "true"}, Verdict.WARNING),
    ],
)
def test_encryption_without_aes_is_slow(properties, verdict):
    [result] = check_encryption(Configuration(properties))
    assert result.verdict is verdict
    aes = {"dfs.encrypt.data.transfer.cipher.suites": "AES/CTR/NoPadding"}
    [result] = check_encryption(Configuration({**properties, **aes}))
    assert result.verdict is (Verdict.OK if verdict is Verdict.WARNING else verdict)


def test_the_remedy_for_slow_encryption_is_one_property():
    result = judge_encryption(encrypts=True, suites=[])
    assert "dfs.encrypt.data.transfer.cipher.suites to AES/CTR/NoPadding" in result.remedy
