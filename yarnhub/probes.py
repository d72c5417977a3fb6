"""Probes: YARN applications that run one script each in an environment, and report its outcome.

A probe has the application master of a server, but no server: its node localizes the same files.
YARN's diagnostics end with the output of a script that failed. No probe outlives the call.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.security import kerberos
from hadoop_client.yarn.applicationmaster import FinalStatus
from hadoop_client.yarn.records import ApplicationState
from hadoop_client.yarn.reports import ApplicationReport, NodeReport
from yarnhub.errors import YarnError
from yarnspawner.container.payload import Launch
from yarnspawner.failures import QueueError, SpawnError
from yarnspawner.launch.environments import PythonEnvironment, find_environment
from yarnspawner.launch.spec import LaunchSpec, Pin
from yarnspawner.launcher.delegation_tokens import Tokens
from yarnspawner.launcher.direct import DirectLauncher
from yarnspawner.launcher.interface import ClusterError, Launcher, Phase
from yarnspawner.yarn_messages import explain_end

POLL_SECONDS = 0.5
MEMORY_MB = 256

#: The script of a probe that only has its node localize the environment.
NOTHING = "exit 0"


@dataclass(frozen=True)
class Probe:
    """A bash script, and the node to run it on; any node if `node` is None."""

    script: str = NOTHING
    node: NodeReport | None = None


@dataclass(frozen=True)
class ProbeRequest:
    """The queue and the published environment of all probes of one call.

    With `as_file` the container unpacks the environment instead of YARN.
    """

    queue: str
    python_env: str
    env_root: str
    as_file: bool = False


@dataclass(frozen=True)
class ProbeOutcome:
    """The state of a probe, and YARN's diagnostics and the reason of a failure."""

    state: str
    ok: bool = False
    diagnostics: str = ""
    why: str = ""


def run_probes(
    probes: Mapping[str, Probe],
    request: ProbeRequest,
    timeout_seconds: float,
    on_progress: Callable[[str, ProbeOutcome], None] = lambda name, outcome: None,
) -> dict[str, ProbeOutcome]:
    """Run all probes in parallel, as the current user. Returns their outcomes by name.

    `on_progress` is called with the state of each probe at each poll. Raises YarnError.
    """
    with _yarn_errors():
        return asyncio.run(_run(probes, request, timeout_seconds, on_progress))


@contextmanager
def _yarn_errors() -> Iterator[None]:
    try:
        yield
    except (ClusterError, ConfigurationError) as error:
        raise YarnError(str(error)) from error
    except QueueError as failure:
        hint = "It was submitted as the hub's own user, who needs the users' right to the queue."
        raise YarnError(f"{failure} {hint}") from failure
    except SpawnError as failure:
        raise YarnError(str(failure)) from failure


async def _run(
    probes: Mapping[str, Probe],
    request: ProbeRequest,
    timeout_seconds: float,
    on_progress: Callable[[str, ProbeOutcome], None],
) -> dict[str, ProbeOutcome]:
    configuration = Configuration.load()
    user = kerberos.own_user(configuration)
    environment = await find_environment(
        request.python_env,
        request.env_root,
        configuration.default_filesystem,
        as_file=request.as_file,
    )
    tokens = Tokens(configuration, user, ()) if configuration.kerberos else None
    launcher = DirectLauncher(configuration, user, tokens)
    tag = f"yarnhub-probe-{secrets.token_hex(8)}"
    names: dict[str, str] = {}
    ended: dict[str, ProbeOutcome] = {}
    try:
        for name, probe in probes.items():
            application_id, _ = await launcher.new_application()
            names[application_id] = name
            spec = _spec(user, tag, probe, request, environment, configuration)
            await launcher.submit(application_id, spec)
        deadline = time.monotonic() + timeout_seconds
        while len(ended) < len(names) and time.monotonic() < deadline:
            reports = await launcher.list_applications(tag, tuple(ApplicationState))
            for application_id, report in reports.items():
                outcome = await _outcome(launcher, report)
                on_progress(names[application_id], outcome)
                if report.state.ended:
                    ended[names[application_id]] = outcome
            await asyncio.sleep(POLL_SECONDS)
    finally:
        for application_id, name in names.items():
            if name not in ended:
                with suppress(ClusterError):
                    await launcher.kill(user, application_id, "The probe was cancelled.")
        await launcher.close()
        if tokens is not None:
            await tokens.close()
    late = ProbeOutcome("TIMEOUT", why=f"It did not end within {timeout_seconds:.0f} seconds.")
    return {name: ended.get(name, late) for name in probes}


def _spec(
    user: str,
    tag: str,
    probe: Probe,
    request: ProbeRequest,
    environment: PythonEnvironment,
    configuration: Configuration,
) -> LaunchSpec:
    node = probe.node
    return LaunchSpec(
        user=user,
        name="yarnhub-probe" + (f"-{node.node_id.host}" if node else ""),
        queue=request.queue,
        memory_mb=MEMORY_MB,
        vcores=1,
        tags=(tag, *environment.tags),
        python=environment.python,
        files=(environment.archive,) if environment.archive else (),
        viewers=(user,),
        launch=Launch(
            command=[],
            environment={},
            schedulers=configuration.scheduler_addresses(),
            script=probe.script,
        ),
        pin=Pin(node.node_id.host, node.rack_name) if node else None,
    )


async def _outcome(launcher: Launcher, report: ApplicationReport) -> ProbeOutcome:
    if report.state.ended:
        if report.final_status is FinalStatus.SUCCEEDED:
            return ProbeOutcome(report.state.name, ok=True)
        why = explain_end(report).sentence
        return ProbeOutcome(report.state.name, diagnostics=report.diagnostics, why=why)
    with suppress(ClusterError):
        container = await launcher.container(report)
        if container is not None and container.phase is Phase.LOCALIZING:
            return ProbeOutcome("LOCALIZING")
    return ProbeOutcome(report.state.name)
