"""Each limit is compared with what enforces it: Linux, or YARN's own messages."""

from __future__ import annotations

import dataclasses
import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.security.credentials import Credentials
from hadoop_client.yarn.records import ApplicationId, Resource, ResourceInformation, Url
from yarnspawner.container.payload import Launch
from yarnspawner.failures import OptionsError
from yarnspawner.launch.amounts import GPU
from yarnspawner.launch.limits import (
    MOST_VARIABLE_BYTES,
    SubmissionLimits,
    check_files,
    check_resources,
    check_submission,
    check_tags,
    check_variables,
)
from yarnspawner.launch.spec import LaunchSpec, LocalizedFile, submission_context

LAUNCH = Launch(command=["jupyter-labhub"], environment={}, schedulers=[("rm.example", 8030)])
SPEC = LaunchSpec(
    user="alice",
    name="jupyterhub-alice",
    queue="default",
    memory_mb=1024,
    vcores=1,
    tags=("yarnhub-0123",),
    python="environment/bin/python",
    files=(),
    viewers=("jupyterhub",),
    launch=LAUNCH,
)
ZOOKEEPER = {
    "yarn.resourcemanager.store.class": (
        "org.apache.hadoop.yarn.server.resourcemanager.recovery.ZKRMStateStore"
    )
}


def spec(**changes: object) -> LaunchSpec:
    return dataclasses.replace(SPEC, **changes)  # type: ignore[arg-type]


def submit(changed: LaunchSpec, limits: SubmissionLimits) -> None:
    application_id = ApplicationId.parse("application_1_0001")
    check_submission(submission_context(changed, application_id, Credentials()), limits)


def localized(name: str) -> LocalizedFile:
    return LocalizedFile("site.conf", Url("hdfs", "nn", 8020, f"/apps/{name}"), 1, 1, False)


@pytest.mark.parametrize("name", ['a"b', "$(id)", "$HOME", "`id`", "a\\", "a\nb", "a\x1bb"])
def test_a_file_name_that_a_nodes_script_would_run_is_refused(name: str):
    with pytest.raises(OptionsError, match="Ask an administrator to rename it"):
        check_files([localized(name)])


def test_a_shell_reads_all_other_names_between_double_quotes_as_themselves():
    refused = '"$`\\'
    names = [f"a{chr(code)}b" for code in range(32, 127) if chr(code) not in refused + "/"]
    check_files(map(localized, [*names, "datén 数据.csv"]))
    script = "printf '%s\\n' " + " ".join(f'"{name}"' for name in names)
    shell = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout.splitlines() == names


def test_more_than_any_node_has_is_refused_with_the_limit():
    maximum = Resource(memory_mb=1024, vcores=4)
    with pytest.raises(OptionsError, match="at most 1 GiB of memory"):
        check_resources(spec(memory_mb=1025), maximum)
    with pytest.raises(OptionsError, match="at most 4 cores to one"):
        check_resources(spec(memory_mb=1024, vcores=5), maximum)
    gpus = dataclasses.replace(maximum, information=(ResourceInformation(GPU, 1),))
    with pytest.raises(OptionsError, match=r"2 GPUs, .* at most 1 GPU to one"):
        check_resources(spec(memory_mb=1024, resources={GPU: 2}), gpus)
    with pytest.raises(OptionsError, match="at most 0 GPUs to one"):
        check_resources(spec(memory_mb=1024, resources={GPU: 1}), maximum)
    check_resources(spec(memory_mb=1024, vcores=4), maximum)


def test_the_limits_are_those_of_the_cluster():
    assert SubmissionLimits.of(Configuration({})) == SubmissionLimits()
    configured = Configuration(
        {
            "yarn.resourcemanager.application.max-tags": "20",
            "yarn.resourcemanager.application.max-tag.length": "50",
            "ipc.maximum.data.length": "1000",
        }
    )
    assert SubmissionLimits.of(configured) == SubmissionLimits(
        20, 50, 1000, "ipc.maximum.data.length"
    )
    stored = SubmissionLimits.of(Configuration(ZOOKEEPER))
    assert stored.size_bytes == 1 << 20
    assert stored.size_property == "yarn.resourcemanager.zk-max-znode-size.bytes"
    with pytest.raises(ConfigurationError, match="max-tags"):
        SubmissionLimits.of(Configuration({"yarn.resourcemanager.application.max-tags": "many"}))


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ([f"tag{number}" for number in range(11)], "has 11 tags, but YARN accepts 10"),
        (["é"], "characters outside of ASCII"),
        (["x" * 101], "longer than YARN accepts, which is 100 characters"),
    ],
)
def test_tags_that_yarn_would_refuse_are_refused(tags: list[str], said: str):
    with pytest.raises(OptionsError, match=said):
        check_tags(tuple(tags), SubmissionLimits())
    check_tags(tuple("x" * 100 for _ in range(10)), SubmissionLimits())


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"": "x"}, "'' has a name or a value that no process can have"),
        ({"A=B": "x"}, "'A=B' has a name"),
        ({"NUL": "a\0b"}, "'NUL' has a name"),
        ({"SURROGATE": "\ud800"}, "'SURROGATE' is not text"),
        ({"LONG": "x" * (MOST_VARIABLE_BYTES - len("LONG="))}, "'LONG' is longer than 128 KiB"),
        ({f"V{number}": "x" * 100_000 for number in range(21)}, "have 2051 KiB together"),
    ],
)
def test_variables_that_a_process_cannot_have_are_refused(variables: dict[str, str], said: str):
    with pytest.raises(OptionsError, match=said):
        check_variables(variables)


def test_a_variable_that_is_not_utf_8_passes():
    """The hub's own environment may have such a variable, which c.Spawner.env_keep passes on."""
    check_variables({"LATIN": os.fsdecode(b"caf\xe9")})


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=[]), max_size=5),
        st.text(st.characters(exclude_categories=[]), max_size=20),
        max_size=5,
    )
)
def test_variables_that_pass_are_those_that_a_process_can_have(variables: dict[str, str]):
    try:
        check_variables(variables)
    except OptionsError:
        return
    subprocess.run(["/bin/true"], env=variables, check=True)


def test_linux_takes_the_longest_variables_that_pass():
    longest = {"LONG": "x" * (MOST_VARIABLE_BYTES - len("LONG=") - 1)}
    many = {f"V{number:03}": "x" * 100_000 for number in range(19)}
    for variables in (longest, many):
        check_variables(variables)
        subprocess.run(["/bin/true"], env=variables, check=True)


def test_a_launch_that_the_resourcemanager_could_not_store_is_refused():
    noise = os.urandom(1 << 20)
    large = spec(launch=dataclasses.replace(LAUNCH, files={"data": noise}))
    submit(large, SubmissionLimits())
    with pytest.raises(OptionsError, match=r"1024 KiB \(yarn.resourcemanager.zk-max-znode-size"):
        submit(large, SubmissionLimits.of(Configuration(ZOOKEEPER)))
    submit(SPEC, SubmissionLimits.of(Configuration(ZOOKEEPER)))


@pytest.mark.parametrize(
    "changes",
    [
        {"priority": 1 << 31},
        {"name": "jupyterhub-\ud800"},
        {"queue": "\udc80"},
        {"vcores": 1 << 40},
    ],
)
def test_a_value_that_yarn_cannot_be_sent_is_refused(changes: dict[str, object]):
    with pytest.raises(OptionsError, match="cannot be submitted to YARN: "):
        submit(spec(**changes), SubmissionLimits())
