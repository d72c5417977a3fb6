"""What YARN's docker runtime reads is in the submission, and nothing that a script would run."""

from __future__ import annotations

import pytest

from hadoop_client.security.credentials import Credentials
from hadoop_client.yarn.records import ApplicationId
from tests.unit.yarnspawner.test_launch_spec import spec
from yarnspawner.failures import OptionsError
from yarnspawner.launch.docker import docker_variables
from yarnspawner.launch.limits import check_environment
from yarnspawner.launch.spec import LaunchSpec, submission_context
from yarnspawner.profiles.config import parse_profiles

IMAGE = "registry.example.org:5000/team/lab:2026"
MOUNTS = ["/etc/passwd:/etc/passwd:ro", "/data:/data:rw"]


def submitted(launch: LaunchSpec) -> dict[str, str]:
    """Return the variables that the ResourceManager gets."""
    application = ApplicationId.parse("application_1700000000000_0042")
    context = submission_context(launch, application, Credentials())
    sent = type(context).decode(context.encode()).am_container_spec.environment
    return {entry.key: entry.value for entry in sent}


def test_an_image_is_requested_as_yarns_docker_runtime_reads_it() -> None:
    assert submitted(spec(environment=docker_variables(IMAGE, MOUNTS))) == {
        "YARN_CONTAINER_RUNTIME_TYPE": "docker",
        "YARN_CONTAINER_RUNTIME_DOCKER_IMAGE": IMAGE,
        "YARN_CONTAINER_RUNTIME_DOCKER_MOUNTS": ("/etc/passwd:/etc/passwd:ro,/data:/data:rw"),
    }


def test_without_an_image_yarn_gets_no_variables() -> None:
    assert submitted(spec(environment=docker_variables("", MOUNTS))) == {}


def test_a_hook_can_give_yarn_variables() -> None:
    runtime = {"YARN_CONTAINER_RUNTIME_TYPE": "runc"}
    assert submitted(spec(environment=runtime)) == runtime


@pytest.mark.parametrize("image", ["lab", "a/b@sha256:0123", IMAGE])
def test_names_of_images(image: str) -> None:
    assert docker_variables(image, ())["YARN_CONTAINER_RUNTIME_DOCKER_IMAGE"] == image


@pytest.mark.parametrize("image", ["-v", "a b", "$(reboot)", "a;b", "lab\n"])
def test_other_texts_are_no_names_of_images(image: str) -> None:
    with pytest.raises(OptionsError, match=r"c\.YarnSpawner\.docker_image"):
        docker_variables(image, ())


@pytest.mark.parametrize("mount", ["/a:/b", "a:/b:ro", "/a:/b:rx", "/a,/b:/c:ro", "/a:b:ro"])
def test_other_texts_are_no_mounts(mount: str) -> None:
    with pytest.raises(OptionsError, match=r"SOURCE:DESTINATION:ro or :rw"):
        docker_variables("lab", (mount,))


@pytest.mark.parametrize(
    ("name", "value"),
    [("A B", "x"), ("1A", "x"), ("", "x"), ("A", 'x"'), ("A", "$(x)"), ("A", "`x`"), ("A", "x\n")],
)
def test_a_variable_that_the_launch_script_would_run_is_refused(name: str, value: str) -> None:
    with pytest.raises(OptionsError, match=r"c\.YarnSpawner\.modify_spec_hook"):
        check_environment({name: value})


def test_a_profile_may_offer_images() -> None:
    declared = {"name": "p", "docker_image": {"choices": {"lab:1": "Lab", "lab:2": "Newer"}}}
    profiles = parse_profiles([declared])
    assert profiles.choose({"docker_image": "lab:2"}, "alice", ()).values == {
        "docker_image": "lab:2"
    }
    with pytest.raises(OptionsError, match="Image cannot be 'evil'"):
        profiles.choose({"docker_image": "evil"}, "alice", ())
