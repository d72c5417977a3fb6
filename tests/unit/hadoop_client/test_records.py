"""Ids and URLs as YARN writes them, and the meaning of states."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.yarn.records import (
    ApplicationAttemptId,
    ApplicationId,
    ApplicationState,
    ContainerId,
    Resource,
    ResourceInformation,
    Url,
)

APPLICATION = ApplicationId(7, 1700000000000)


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**13))
def test_application_ids_round_trip(number: int, timestamp: int) -> None:
    application_id = ApplicationId(number, timestamp)
    assert ApplicationId.parse(str(application_id)) == application_id


def test_ids_are_written_as_yarn_writes_them() -> None:
    attempt = ApplicationAttemptId(APPLICATION, 2)
    assert str(APPLICATION) == "application_1700000000000_0007"
    assert str(ApplicationId(12345, 1)) == "application_1_12345"
    assert str(attempt) == "appattempt_1700000000000_0007_000002"
    assert str(ContainerId(attempt, 3)) == "container_1700000000000_0007_02_000003"
    restarted = ContainerId(attempt, (17 << 40) + 3)
    assert str(restarted) == "container_e17_1700000000000_0007_02_000003"


@pytest.mark.parametrize(
    "text",
    ["", "application_1", "application_1_x", "job_1_1", "application_1_1\n", "application_٣_1"],
)
def test_anything_but_an_application_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an application id"):
        ApplicationId.parse(text)


def test_three_states_are_the_end() -> None:
    ended = {state.name for state in ApplicationState if state.ended}
    assert ended == {"FINISHED", "FAILED", "KILLED"}
    assert not ApplicationState(99).ended


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("hdfs://nn:8020/a/b", Url("hdfs", "nn", 8020, "/a/b")),
        ("hdfs://prod/a%20b é?#:", Url("hdfs", "prod", -1, "/a%20b é?#:")),
        ("file:///a", Url("file", "", -1, "/a")),
    ],
)
def test_urls_are_taken_apart_and_their_paths_left_alone(text: str, url: Url) -> None:
    assert Url.parse(text) == url
    assert str(url) == text


@pytest.mark.parametrize("text", ["", "/a", "hdfs://nn", "hdfs://nn:x/a", "hdfs:/a"])
def test_anything_but_a_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a full path"):
        Url.parse(text)


@pytest.mark.parametrize("path", ["/a/../b", "/..", "/a/..", "/./a", "/../a", "//..//"])
def test_a_url_with_a_relative_part_is_refused(path: str) -> None:
    """The node follows it, to a file that was not checked."""
    with pytest.raises(ValueError, match=r"has a part \. or \.\."):
        Url.parse(f"hdfs://nn:8020{path}")


def test_a_url_may_have_dots_in_its_names() -> None:
    assert Url.parse("hdfs://nn/..a/b../...").file == "/..a/b../..."


def test_named_resources_are_counted() -> None:
    gpus = ResourceInformation("yarn.io/gpu", 2)
    assert Resource(1024, 1, (gpus,)).amount("yarn.io/gpu") == 2
    assert Resource(1024, 1).amount("yarn.io/gpu") == 0
