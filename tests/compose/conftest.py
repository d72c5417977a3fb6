"""docker-compose.yml for the tests: built, up, and removed at their end."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.compose.engine import OWN_BASE, base_image, compose_command, docker_engine, run
from tests.compose.services import Compose
from yarnhub.minihadoop.ports import held_ports

NOTEBOOK = {"cells": [], "metadata": {"kept": True}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def compose(
    tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[..., Any]
) -> Iterator[Compose]:
    folder = tmp_path_factory.mktemp("docker")
    name = f"yarnhub-test-{secrets.token_hex(4)}"
    with held_ports(1) as (port,), docker_engine(folder, wait_until) as environment:
        command = [*compose_command(environment), "--project-name", name]
        environment |= {
            "BASE_IMAGE": base_image(folder, environment),
            "YARNHUB_IMAGE": name,
            "YARNHUB_PORT": str(port),
            "YARNHUB_NODE_MEMORY_MB": "2000",  # one server: the second one needs the other node
        }
        environment.pop("COMPOSE_PROFILES", None)
        it = Compose(command, environment, wait_until)
        try:
            it("build")
            it.up("alice bob")
            yield it
        except pytest.fail.Exception:
            print(it.logs())  # noqa: T201 - pytest shows it with the failure
            raise
        finally:
            it("down", "--volumes", "--rmi", "all", check=False)
            if environment["BASE_IMAGE"] == OWN_BASE:
                run(["docker", "image", "rm", OWN_BASE], environment)


@pytest.fixture(scope="module")
def kept(compose: Compose) -> str:
    """The name of a notebook that alice has saved, without Kerberos."""
    name = "kept.ipynb"

    async def save() -> None:
        async with compose.server("alice") as alice:
            body = {"type": "notebook", "format": "json", "content": NOTEBOOK}
            await alice.api("PUT", f"contents/{name}", body)

    asyncio.run(save())
    return name


@pytest.fixture(scope="module")
def secure(compose: Compose, kept: str) -> Iterator[Compose]:
    """The same with Kerberos, on what its HDFS has from before."""
    compose("down")
    compose.environment["COMPOSE_PROFILES"] = "kerberos"
    compose.up("alice bob")
    yield compose
    compose("down")
    del compose.environment["COMPOSE_PROFILES"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.failed and isinstance(found := item.funcargs.get("compose"), Compose):
        report.sections.append(("ends of the logs of all services", found.logs()))
    return report
