"""Whether YARN may choose the queue, from the files on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadoop_client.configuration import Configuration
from yarnhub.check.placement import has_rules, may_choose_queue

CAPACITY = "org.apache.hadoop.yarn.server.resourcemanager.scheduler.capacity.CapacityScheduler"
FAIR = "org.apache.hadoop.yarn.server.resourcemanager.scheduler.fair.FairScheduler"
QUEUES = {"yarn.scheduler.capacity.root.queues": "default"}
MAPPINGS = {"yarn.scheduler.capacity.queue-mappings": "u:%user:root.users.%user"}


def write(directory: Path, properties: dict[str, str]) -> None:
    lines = "".join(
        f"<property><name>{name}</name><value>{value}</value></property>"
        for name, value in properties.items()
    )
    text = f"<configuration>{lines}</configuration>"
    (directory / "capacity-scheduler.xml").write_text(text)


@pytest.mark.parametrize(("properties", "may"), [(QUEUES, False), (QUEUES | MAPPINGS, True)])
def test_the_capacity_schedulers_file_has_the_rules(
    tmp_path: Path, properties: dict[str, str], may: bool
):
    write(tmp_path, properties)
    site = Configuration({"yarn.resourcemanager.scheduler.class": CAPACITY})
    assert may_choose_queue(site, tmp_path) is may


def test_without_the_file_yarn_may_choose(tmp_path: Path):
    assert may_choose_queue(Configuration({}), tmp_path)


def test_the_fair_scheduler_may_choose(tmp_path: Path):
    write(tmp_path, QUEUES)
    assert may_choose_queue(Configuration({"yarn.resourcemanager.scheduler.class": FAIR}), tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "has"),
    [
        ("yarn.scheduler.queue-placement-rules", "user-group", True),
        ("yarn.scheduler.capacity.mapping-rule-file", "/etc/hadoop/rules.json", True),
        ("yarn.scheduler.capacity.mapping-rule-json", "{}", True),
        ("yarn.scheduler.capacity.queue-mappings", " ", False),
        ("yarn.scheduler.capacity.root.users.auto-create-child-queue.enabled", "true", True),
        ("yarn.scheduler.capacity.root.users.auto-queue-creation-v2.enabled", "TRUE", True),
        ("yarn.scheduler.capacity.root.users.auto-queue-creation-v2.enabled", "false", False),
        ("yarn.scheduler.capacity.root.queues", "default", False),
    ],
)
def test_rules_and_queues_that_yarn_creates_are_found(name: str, value: str, has: bool):
    assert has_rules({name: value}) is has
