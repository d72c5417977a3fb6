from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from hadoop_client.configuration import Configuration
from yarnspawner import YarnSpawner, launch_builder
from yarnspawner.failures import OptionsError
from yarnspawner.launch.environments import PythonEnvironment
from yarnspawner.launch.limits import SubmissionLimits
from yarnspawner.launch.spec import LaunchSpec
from yarnspawner.launch_builder import ServerRequest, build_launch_spec
from yarnspawner.tags import KEY_TAG


@pytest.fixture(autouse=True)
def _published_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each environment is published, and its key is its name."""

    async def find(python_env: str, *_: str, **__: object) -> PythonEnvironment:
        return PythonEnvironment("environment/bin/python", None, (KEY_TAG + python_env,))

    monkeypatch.setattr(launch_builder, "find_environment", find)


async def build(
    environment: dict[str, object] | None = None, homes: Any = None, **options: Any
) -> LaunchSpec:
    spawner = YarnSpawner(**{"python_env": "lab", "contents_manager": "", **options})
    request = ServerRequest(
        user="alice",
        name="",
        escaped_user="alice",
        tag="yarnhub-spawn-1",
        key=b"k" * 32,
        command=["jupyter-labhub"],
        environment=environment or {},
        certificates={},
        ip="0.0.0.0",
        mem_limit=1 << 30,
        cpu_limit=1.0,
        poll_interval=30,
    )
    yarn = SimpleNamespace(
        hub_user="jupyterhub",
        tag="yarnhub-1",
        homes=homes,
        tokens=None,
        limits=SubmissionLimits(),
        client_files={},
        configuration=Configuration(
            {
                "fs.defaultFS": "hdfs://nn.example:8020",
                "hadoop.rpc.protection": "Privacy, integrity",
            }
        ),
    )
    return await build_launch_spec(spawner, request, yarn)  # type: ignore[arg-type]


async def test_tags_of_kernels_beyond_yarns_limit_are_left_out(
    caplog: pytest.LogCaptureFixture,
):
    kernels = {f"Kernel {number}": f"env{number}" for number in range(9)}
    spec = await build(extra_envs=kernels, tags=["site"])
    assert len(spec.tags) == SubmissionLimits().tags
    assert spec.tags[:3] == ("yarnhub-1", "yarnhub-spawn-1", "yarnhub-env-lab")
    assert spec.tags[-1] == "site"
    assert len(spec.launch.files) == 2 * len(kernels)
    assert "yarnhub-env-env6, yarnhub-env-env7, yarnhub-env-env8" in caplog.text


async def test_the_home_and_all_environments_are_looked_up_together(
    monkeypatch: pytest.MonkeyPatch,
):
    """Each look-up goes on when all have begun."""
    begun, all_begun = [], asyncio.Event()

    async def meet(what: str) -> None:
        begun.append(what)
        if len(begun) == 4:
            all_begun.set()
        await asyncio.wait_for(all_begun.wait(), 60)

    async def find(python_env: str, *_: str, **__: object) -> PythonEnvironment:
        await meet(python_env)
        return PythonEnvironment("environment/bin/python", None, (KEY_TAG + python_env,))

    monkeypatch.setattr(launch_builder, "find_environment", find)
    homes = SimpleNamespace(ensure=lambda user, policy: meet(user))
    kernels = {"One": "env1", "Two": "env2"}
    spec = await build(homes=homes, contents_manager="hdfs.Manager", extra_envs=kernels)
    assert sorted(begun) == ["alice", "env1", "env2", "lab"]
    assert spec.tags[2:] == ("yarnhub-env-lab", "yarnhub-env-env1", "yarnhub-env-env2")


async def test_more_tags_of_the_site_than_yarn_accepts_are_refused_by_name():
    tags = [f"site{number}" for number in range(8)]
    assert (await build(tags=tags[:7])).tags[-1] == "site6"
    with pytest.raises(OptionsError, match=r"c\.YarnSpawner\.tags has 8 tags, .* accepts 7"):
        await build(tags=tags)


async def test_the_launch_has_the_protections_of_the_hubs_configuration():
    assert (await build()).launch.protections == ("privacy", "integrity")


async def test_a_variable_that_is_none_is_left_out():
    spec = await build({"EMPTY": None, "NUMBER": 1})
    assert "EMPTY" not in spec.launch.environment
    assert spec.launch.environment["NUMBER"] == "1"


async def test_a_variable_that_linux_would_not_pass_on_is_refused_by_name():
    with pytest.raises(OptionsError, match="variable 'LONG' is longer than 128 KiB"):
        await build({"LONG": "x" * (128 << 10)})


async def test_a_hub_that_servers_cannot_call_is_refused_before_the_submit():
    await build({"JUPYTERHUB_API_URL": "http://[fd00::1]:8081/hub/api"})
    with pytest.raises(OptionsError, match=r"c\.JupyterHub\.hub_connect_url"):
        await build({"JUPYTERHUB_API_URL": "http+unix://%2Fhub.sock/hub/api"})


@pytest.mark.parametrize(
    ("mount", "path", "required"),
    [("auto", "/srv/hdfs", False), ("required", "/srv/hdfs", True), ("off", "", False)],
)
async def test_the_launch_says_whether_to_mount(mount: str, path: str, required: bool):
    launch = (await build(mount=mount)).launch
    assert (launch.mount_path, launch.mount_required) == (path, required)


@pytest.mark.parametrize(
    ("option", "queue"),
    [
        ("default", "default"),
        ("", "default"),
        ("root.users.{username}", "root.users.alice"),
        ("notebooks", "notebooks"),
    ],
)
async def test_the_queue_may_be_the_users_own_or_left_to_yarn(option: str, queue: str):
    assert (await build(queue=option)).queue == queue


async def test_the_overhead_is_added_to_the_limit_or_taken_out_of_it():
    assert (await build()).memory_mb == 1024 + 72
    assert (await build(am_overhead_in_mem_limit=True)).memory_mb == 1024


async def test_an_image_is_for_yarn_and_not_for_the_server():
    spec = await build(docker_image="lab:1", docker_mounts=["/data:/data:ro"])
    assert spec.environment["YARN_CONTAINER_RUNTIME_DOCKER_IMAGE"] == "lab:1"
    assert spec.environment["YARN_CONTAINER_RUNTIME_DOCKER_MOUNTS"] == "/data:/data:ro"
    assert not [name for name in spec.launch.environment if name.startswith("YARN_CONTAINER")]
    assert not (await build()).environment


async def test_the_launch_says_whether_to_start_fast():
    assert (await build()).launch.fast_start
    assert not (await build(fast_start=False)).launch.fast_start


async def test_a_server_knows_the_directories_of_environments_that_are_not_the_defaults():
    ensure = SimpleNamespace(ensure=lambda *_: None)
    launch = (await build(homes=ensure, env_root="/site/envs", user_envs="my/envs/")).launch
    assert launch.environment["YARNHUB_ENV_ROOT"] == "/site/envs"
    assert launch.environment["YARNHUB_OWN_ENVS"] == "/user/alice/my/envs"
    launch = (await build({"YARNHUB_OWN_ENVS": "/own"}, homes=ensure, user_envs="envs")).launch
    assert launch.environment["YARNHUB_OWN_ENVS"] == "/own"
    assert not {"YARNHUB_ENV_ROOT", "YARNHUB_OWN_ENVS"} & (await build()).launch.environment.keys()
