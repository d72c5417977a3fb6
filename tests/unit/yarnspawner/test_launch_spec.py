from __future__ import annotations

import dataclasses
import io
import json
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.security.credentials import Credentials, Token
from hadoop_client.yarn.records import (
    ApplicationAccess,
    ApplicationId,
    LocalResourceType,
    LocalResourceVisibility,
    TimeoutType,
    Url,
)
from yarnspawner.container.payload import SECRET_ALIAS, Launch
from yarnspawner.failures import OptionsError
from yarnspawner.launch.amounts import GPU
from yarnspawner.launch.program import build_payload
from yarnspawner.launch.spec import (
    SCRIPT_TEMPLATE,
    LaunchSpec,
    LocalizedFile,
    check_python,
    container_memory_mb,
    container_vcores,
    launch_script,
    submission_context,
)

APPLICATION = ApplicationId.parse("application_1700000000000_0042")
LAUNCH = Launch(
    command=["jupyter-labhub"],
    environment={"JUPYTERHUB_API_TOKEN": "a-token-of-32-characters-or-more"},
    schedulers=[("rm.example", 8030)],
    protections=("privacy", "authentication"),
)
ARCHIVE = LocalizedFile(
    link="environment",
    url=Url(scheme="hdfs", host="nn.example", port=8020, file="/apps/yarnhub/envs/lab/k.tar.gz"),
    size_bytes=12,
    modification_time_ms=34,
    public=True,
)


def spec(**changes: object) -> LaunchSpec:
    settings: dict[str, object] = {
        "user": "alice",
        "name": "jupyterhub-alice",
        "queue": "default",
        "memory_mb": 1056,
        "vcores": 1,
        "tags": ("yarnhub-0123",),
        "python": "environment/bin/python",
        "files": (ARCHIVE,),
        "viewers": ("jupyterhub",),
        "launch": LAUNCH,
    }
    return LaunchSpec(**{**settings, **changes})  # type: ignore[arg-type]


def context(build_launch_spec: LaunchSpec):
    return submission_context(build_launch_spec, APPLICATION, Credentials())


def test_a_notebook_gets_all_the_memory_that_it_was_promised():
    assert container_memory_mb(1 << 30, 32 << 20) == 1056
    assert container_memory_mb((1 << 30) + 1, 0) == 1025


@given(limit=st.integers(1, 1 << 44), overhead=st.integers(0, 1 << 34))
def test_a_container_is_never_smaller_than_the_sum(limit, overhead):
    assert container_memory_mb(limit, overhead) * 2**20 >= limit + overhead


@pytest.mark.parametrize(("asked", "given_"), [(None, 1), (0.5, 1), (1, 1), (1.5, 2), (4, 4)])
def test_cores_are_whole_and_at_least_one(asked, given_):
    assert container_vcores(asked) == given_


@pytest.mark.parametrize(
    "path",
    ["environment", "/opt/a b", '/opt/"x', "/opt/$(id)", "/opt/`id`", "/opt/a\nb", "/opt/a;b", ""],
)
def test_a_python_path_that_a_shell_could_read_otherwise_is_refused(path):
    with pytest.raises(OptionsError, match="python_env"):
        check_python(path)


def test_nothing_secret_is_where_yarn_shows_it():
    sent = context(spec())
    launch_context = sent.am_container_spec
    tokens = launch_context.tokens
    secret = LAUNCH.environment["JUPYTERHUB_API_TOKEN"].encode()
    rest = sent.encode().replace(tokens, b"")
    assert secret not in rest
    assert b"JUPYTERHUB" not in rest
    assert launch_context.environment == ()


def test_the_payload_carries_the_whole_launch_and_is_small():
    tokens = Credentials.from_bytes(context(spec()).am_container_spec.tokens)
    payload = tokens.secrets[SECRET_ALIAS]
    assert len(payload) < 56_000  # the ResourceManager keeps one for each server
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        assert Launch.from_json(archive.read("launch.json")) == LAUNCH


def test_the_environment_is_a_local_resource_with_the_size_and_time_that_hdfs_has():
    (entry,) = context(spec()).am_container_spec.local_resources
    assert entry.key == "environment"
    assert (entry.value.size, entry.value.timestamp) == (12, 34)
    assert entry.value.type == LocalResourceType.ARCHIVE
    assert entry.value.visibility == LocalResourceVisibility.PUBLIC
    private = dataclasses.replace(ARCHIVE, public=False)
    (entry,) = context(spec(files=(private,))).am_container_spec.local_resources
    assert entry.value.visibility == LocalResourceVisibility.PRIVATE
    assert context(spec(files=())).am_container_spec.local_resources == ()


def test_a_file_that_is_no_archive_stays_one():
    file = dataclasses.replace(ARCHIVE, link="model.bin", archive=False)
    (entry,) = context(spec(files=(file,))).am_container_spec.local_resources
    assert (entry.key, entry.value.type) == ("model.bin", LocalResourceType.FILE)


def test_an_application_is_tried_once_and_shown_to_those_who_are_named_only():
    sent = context(spec(viewers=("jupyterhub", "ops")))
    assert sent.max_app_attempts == 1
    (acl,) = sent.am_container_spec.application_acls
    assert (acl.access_type, acl.acl) == (ApplicationAccess.VIEW_APP, "jupyterhub,ops")


def test_what_yarn_is_not_asked_for_is_left_to_the_queue():
    sent = context(spec())
    assert sent.priority is None
    assert sent.node_label_expression is None
    assert sent.application_timeouts == ()
    assert sent.resource.information == ()


def test_priority_label_lifetime_and_gpus_reach_yarn():
    sent = context(spec(priority=3, node_label="big", lifetime_seconds=3600, resources={GPU: 2}))
    assert sent.priority.priority == 3
    assert sent.node_label_expression == "big"
    (lifetime,) = sent.application_timeouts
    assert (lifetime.type, lifetime.timeout) == (TimeoutType.LIFETIME, 3600)
    assert sent.resource.amount(GPU) == 2


def test_without_a_prologue_no_shell_stands_between_us_and_the_server():
    assert launch_script(SCRIPT_TEMPLATE, "", "", ["jupyter-labhub"]) == ""


def test_a_script_has_what_comes_before_the_server_the_server_and_what_comes_after():
    script = launch_script(
        SCRIPT_TEMPLATE, "source environment/bin/activate", "echo bye", ["jupyter-labhub", "a 'b'"]
    )
    before, server, after = script.split("\n")
    assert (before, after) == ("source environment/bin/activate", "echo bye")
    assert shlex.split(server)[-2:] == ["jupyter-labhub", "a 'b'"]


COMMAND = "{singleuser_command}"


@pytest.mark.parametrize(
    "template", ["", "x", f"{COMMAND}{{unknown}}", COMMAND + "{", COMMAND + "{0}", COMMAND + "${A}"]
)
def test_a_template_that_can_not_be_filled_in_is_refused(template):
    with pytest.raises(OptionsError, match="script_template"):
        launch_script(template, "", "", ["jupyter-labhub"])


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(
    environment=st.dictionaries(text, text, max_size=5),
    command=st.lists(text, min_size=1, max_size=4),
    port_range=st.none() | st.tuples(st.integers(1, 65535), st.integers(1, 65535)),
)
def test_a_launch_survives_its_journey_byte_for_byte(environment, command, port_range):
    launch = Launch(command, environment, [("rm", 8030), ("rm2", 8030)], "0.0.0.0", port_range)
    assert Launch.from_json(launch.to_json()) == launch


def test_python_runs_the_token_file_itself(tmp_path: Path):
    """With tokens before the payload and another secret after it, as YARN may order them."""
    launch = Launch(["x"], {"QUOTES": '{"a": "$(id) `id` \n ü"}'}, [("127.0.0.1", 1)])
    token = Token(b"i" * 300, b"p" * 300, "YARN_AM_RM_TOKEN", "")
    secrets = {SECRET_ALIAS: build_payload(launch), "zz": b"z" * 50_000}
    token_file = tmp_path / "container_tokens"
    token_file.write_bytes(Credentials({"": token}, secrets).to_bytes())
    script = (
        "import sys, json; sys.path.insert(0, sys.argv[1]);"
        "from yarnspawner.container.payload import Launch;"
        "import yarnspawner.container.application_master as master;"
        "print(json.dumps([master.__file__, Launch.read(sys.argv[1]).environment]))"
    )
    run = subprocess.run(
        [sys.executable, "-E", "-S", "-c", script, str(token_file)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    file, environment = json.loads(run.stdout)
    assert file.startswith(str(token_file))
    assert environment == launch.environment
