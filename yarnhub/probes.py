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
from yarnspawner.failures import ForeignApplicationError, QueueError, SpawnError
from yarnspawner.hub.submission import Submission
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
    """The result of a probe so far: the state of its application, which is `final` or not.

    `diagnostics` are YARN's diagnostics of a failed one, and `why` the reason in a sentence.
    """

    state: str
    ok: bool = False
    diagnostics: str = ""
    why: str = ""
    final: bool = False


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
        configuration.hdfs,
        as_file=request.as_file,
    )
    tokens = Tokens(configuration, user, ()) if configuration.kerberos else None
    launcher = DirectLauncher(configuration, user, tokens)
    tag = f"yarnhub-probe-{secrets.token_hex(8)}"
    submissions: dict[str, Submission] = {}
    ended: dict[str, ProbeOutcome] = {}
    try:
        for name, probe in probes.items():
            application_id, _ = await launcher.new_application()
            submissions[name] = Submission(application_id, tag, user)
            spec = _spec(user, tag, probe, request, environment, configuration)
            await launcher.submit(application_id, spec)
        deadline = time.monotonic() + timeout_seconds
        while len(ended) < len(submissions) and time.monotonic() < deadline:
            reports = await launcher.list_applications(tag, tuple(ApplicationState))
            for name in submissions.keys() - ended.keys():
                application_id = submissions[name].application_id
                report = reports.get(application_id) or await launcher.report(application_id)
                if report is None:
                    continue
                outcome = await _outcome(launcher, submissions[name], report)
                on_progress(name, outcome)
                if outcome.final:
                    ended[name] = outcome
            await asyncio.sleep(POLL_SECONDS)
    finally:
        for name in submissions.keys() - ended.keys():
            with suppress(ClusterError):
                await _kill(launcher, submissions[name])
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
            protections=configuration.rpc_protections,
            script=probe.script,
        ),
        pin=Pin(node.node_id.host, node.rack_name) if node else None,
    )


async def _kill(launcher: Launcher, submission: Submission) -> None:
    """Kill a probe; not an application that another user has under its id."""
    report = await launcher.report(submission.application_id)
    if report is not None and submission.has_tag(report):
        await launcher.kill(submission.user, submission.application_id, "The probe was cancelled.")


async def _outcome(
    launcher: Launcher, submission: Submission, report: ApplicationReport
) -> ProbeOutcome:
    if not submission.has_tag(report):
        why = ForeignApplicationError.of(submission.application_id, report.user).sentence
        return ProbeOutcome("FOREIGN", why=why, final=True)
    if report.state.ended:
        if report.final_status is FinalStatus.SUCCEEDED:
            return ProbeOutcome(report.state.name, ok=True, final=True)
        why = explain_end(report).sentence
        return ProbeOutcome(report.state.name, diagnostics=report.diagnostics, why=why, final=True)
    with suppress(ClusterError):
        container = await launcher.container(report)
        if container is not None and container.phase is Phase.LOCALIZING:
            return ProbeOutcome("LOCALIZING")
    return ProbeOutcome(report.state.name)
