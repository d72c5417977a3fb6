from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from yarnhub.check.mount import FACTS, MountFacts, judge_mount, remedies
from yarnhub.check.results import Verdict
from yarnhub.probes import ProbeOutcome

WHOLE = MountFacts(
    why="The kernel refused it.",
    host="node1",
    kernel="6.1.0-13-amd64",
    device_mode=0o666,
    device_usable=True,
    has_fuse=True,
    namespaces="63000",
    debian=None,
    apparmor=None,
    in_container=False,
)


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        (replace(WHOLE, namespaces="0"), "user.max_user_namespaces=15000"),
        (replace(WHOLE, debian="0"), "kernel.unprivileged_userns_clone=1"),
        (replace(WHOLE, apparmor="1"), "kernel.apparmor_restrict_unprivileged_userns=0"),
        (replace(WHOLE, device_mode=None, device_usable=False, has_fuse=False), "modprobe fuse"),
        (
            replace(WHOLE, device_mode=None, device_usable=False, in_container=True),
            "--device /dev/fuse",
        ),
        (replace(WHOLE, device_mode=0o600, device_usable=False), 'KERNEL=="fuse", MODE="0666"'),
        (replace(WHOLE, kernel="3.10.0-957.el7.x86_64"), "Linux 4.18"),
        (replace(WHOLE, in_container=True), "seccomp"),
    ],
)
def test_each_obstacle_has_its_remedy_and_no_other(facts: MountFacts, remedy: str):
    (found,) = remedies(facts)
    assert remedy in found


def test_no_remedy_is_guessed():
    assert remedies(WHOLE) == []


@pytest.mark.parametrize(
    ("required", "verdict"), [(True, Verdict.FAILED), (False, Verdict.WARNING)]
)
def test_a_node_that_cannot_mount_is_named_with_its_reason(required: bool, verdict: Verdict):
    facts = replace(WHOLE, namespaces="0")
    diagnostics = (
        f"The notebook server ended with exit code 1.\n{FACTS}{json.dumps(asdict(facts))}\n"
    )
    outcome = ProbeOutcome("FAILED", diagnostics=diagnostics, final=True)
    result = judge_mount(outcome, required=required)
    assert result.verdict is verdict
    assert result.why == "A container on node1 could not mount. The kernel refused it."
    assert "user.max_user_namespaces" in result.remedy


def test_an_environment_without_the_package_is_told():
    ended = ProbeOutcome("FAILED", diagnostics="The notebook server ended with exit code 3.")
    assert "yarnhub[notebook]" in judge_mount(ended, required=False).remedy


def test_a_container_that_did_not_run_says_nothing_of_the_mount():
    result = judge_mount(ProbeOutcome("TIMEOUT", why="It did not end."), required=False)
    assert result.verdict is Verdict.FAILED
    assert result.why == "No container ran to mount HDFS. It did not end."


def test_a_container_that_mounts_is_enough():
    assert judge_mount(ProbeOutcome("FINISHED", ok=True), required=True).verdict is Verdict.OK
