"""What JupyterLab shows of a server: one answer of `/yarnhub/api/status`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from yarnspawner.container.payload import MOUNT_FAILURE_VARIABLE, MOUNT_VARIABLE
from yarnspawner.lab.facts import ServerFacts
from yarnspawner.lab.lifetime import HubLifetime


class EndedKernel(TypedDict):
    """A kernel that was ended: when, in seconds since 1970, and the sentence for the user."""

    when: float
    sentence: str


class ServerStatus(TypedDict):
    """The answer. Memory is in bytes, times are in seconds since 1970; `ends` is None for a server
    without a limit, and `latest` for one whose user may not extend it. Texts are empty if they are
    not known. `files` is the directory of the file browser as code sees it, below the mount."""

    memory_used: int
    memory_limit: int
    profile: str
    cores: int
    gpus: int
    queue: str
    environment: str
    node: str
    started: float
    ends: float | None
    latest: float | None
    files: str
    mount: str
    mount_problem: str
    ended_kernels: list[EndedKernel]
    help_url: str


def status(
    facts: ServerFacts,
    environment: Mapping[str, str],
    root: str,
    used: int,
    limit: int,
    lifetime: HubLifetime,
    ended: Iterable[tuple[float, str]],
) -> ServerStatus:
    """Return the answer for a server with these variables and the file browser's directory."""
    mount = environment.get(MOUNT_VARIABLE, "")
    return ServerStatus(
        memory_used=used,
        memory_limit=limit,
        profile=facts.profile,
        cores=facts.cores,
        gpus=facts.gpus,
        queue=facts.queue,
        environment=facts.environment,
        node=environment.get("NM_HOST", ""),
        started=facts.submitted,
        ends=lifetime.ends,
        latest=lifetime.latest,
        files=root if mount and root.startswith(mount) else "",
        mount=mount,
        mount_problem=environment.get(MOUNT_FAILURE_VARIABLE, ""),
        ended_kernels=[EndedKernel(when=when, sentence=sentence) for when, sentence in ended],
        help_url=facts.help_url,
    )
