"""Applications that run one script in an environment, each on a node, and say how it went.

They have a server's own application master, and no server: their node localizes what a server's
node would, and what the script wrote before it failed is in YARN's report. Whatever ends the
waiting, none of them is left behind.
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

#: The script of a probe that only wants its node to have the environment.
NOTHING = "exit 0"


@dataclass(frozen=True)
class Probe:
    """What to run, in bash, and where; on any node if `node` is None."""

    script: str = NOTHING
    node: NodeReport | None = None


@dataclass(frozen=True)
class ProbeRequest:
    """What all probes of one call have: the queue that they go to, the published environment and
    who unpacks it."""

    queue: str
    python_env: str
    env_root: str
    as_file: bool = False


@dataclass(frozen=True)
class Outcome:
    """How one went: where it is now or where it ended; if it failed, what YARN has of it, and why
    that is in a sentence."""

    state: str
    ok: bool = False
    said: str = ""
    why: str = ""


def run_probes(
    probes: Mapping[str, Probe],
    wanted: ProbeRequest,
    timeout_seconds: float,
    seen: Callable[[str, Outcome], None] = lambda name, outcome: None,
) -> dict[str, Outcome]:
    """Run all probes at once, as who runs this; returns how each ended, by its name.

    `seen` is told of each whenever it was looked at. Raises YarnError, and SpawnError for an
    environment that can't be used.
    """
    with _sentences():
        return asyncio.run(_run(probes, wanted, timeout_seconds, seen))


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except (ClusterError, ConfigurationError) as error:
        raise YarnError(str(error)) from error
    except QueueError as failure:
        own = "It was asked as the hub's own user, who needs the right to the queue as people do."
        raise YarnError(f"{failure} {own}") from failure
    except SpawnError as failure:
        raise YarnError(str(failure)) from failure


async def _run(
    probes: Mapping[str, Probe],
    wanted: ProbeRequest,
    timeout_seconds: float,
    seen: Callable[[str, Outcome], None],
) -> dict[str, Outcome]:
    configuration = Configuration.load()
    user = kerberos.own_user(configuration)
    environment = await find_environment(
        wanted.python_env,
        wanted.env_root,
        configuration.default_filesystem,
        as_file=wanted.as_file,
    )
    tokens = Tokens(configuration, user, ()) if configuration.kerberos else None
    cluster = DirectLauncher(configuration, user, tokens)
    tag = f"yarnhub-probe-{secrets.token_hex(8)}"
    names: dict[str, str] = {}
    ended: dict[str, Outcome] = {}
    try:
        for name, probe in probes.items():
            application_id, _ = await cluster.new_application()
            names[application_id] = name
            spec = _spec(user, tag, probe, wanted, environment, configuration)
            await cluster.submit(application_id, spec)
        deadline = time.monotonic() + timeout_seconds
        while len(ended) < len(names) and time.monotonic() < deadline:
            reports = await cluster.list_applications(tag, tuple(ApplicationState))
            for application_id, report in reports.items():
                outcome = await _outcome(cluster, report)
                seen(names[application_id], outcome)
                if report.state.ended:
                    ended[names[application_id]] = outcome
            await asyncio.sleep(POLL_SECONDS)
    finally:
        for application_id, name in names.items():
            if name not in ended:
                with suppress(ClusterError):
                    await cluster.kill(user, application_id, "Nobody waits for it any more.")
        await cluster.close()
        if tokens is not None:
            await tokens.close()
    late = Outcome("TIMEOUT", why=f"It had not ended after {timeout_seconds:.0f} seconds.")
    return {name: ended.get(name, late) for name in probes}


def _spec(
    user: str,
    tag: str,
    probe: Probe,
    wanted: ProbeRequest,
    environment: PythonEnvironment,
    configuration: Configuration,
) -> LaunchSpec:
    node = probe.node
    return LaunchSpec(
        user=user,
        name="yarnhub-probe" + (f"-{node.node_id.host}" if node else ""),
        queue=wanted.queue,
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


async def _outcome(cluster: Launcher, report: ApplicationReport) -> Outcome:
    if report.state.ended:
        if report.final_status is FinalStatus.SUCCEEDED:
            return Outcome(report.state.name, ok=True)
        why = explain_end(report).sentence
        return Outcome(report.state.name, said=report.diagnostics, why=why)
    with suppress(ClusterError):
        container = await cluster.container(report)
        if container is not None and container.phase is Phase.LOCALIZING:
            return Outcome("LOCALIZING")
    return Outcome(report.state.name)
