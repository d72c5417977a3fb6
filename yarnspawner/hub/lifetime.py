"""How long a server runs, and how its user extends that within `c.YarnSpawner.max_lifetime`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Protocol

from hadoop_client.times import utc_time
from hadoop_client.yarn.reports import ApplicationReport
from yarnspawner.hub.recent_answers import RecentAnswers
from yarnspawner.hub.status import Liveness, status_of
from yarnspawner.hub.submission import Submission
from yarnspawner.launch.summary import StartSummary
from yarnspawner.launcher.interface import Launcher

#: A smaller gain is not written to YARN, which keeps each change in its state store.
LEAST_GAIN = timedelta(minutes=1)

#: A server that asks again within this time gets the last outcome: an extension is up to three
#: calls of the ResourceManager.
LEAST_INTERVAL_SECONDS = 10.0

log = logging.getLogger(__name__)


class ExtensibleServer(Protocol):
    """The part of YarnSpawner whose lifetime is extended."""

    summary: StartSummary

    @property
    def submission(self) -> Submission:
        """What identifies the server's application."""

    def keep_max_lifetime(self, seconds: int) -> None:
        """Save that YARN lets the server run no longer."""


class NotExtensibleError(Exception):
    """The server's lifetime cannot be extended. The text is one sentence for its user."""


@dataclass(frozen=True)
class Lifetime:
    """When YARN ends a server, and the latest time to which its user may extend that.

    `ends` is None without a limit, and `latest` if the user may not extend it. `submitted` is the
    time of the submit.
    """

    submitted: datetime
    ends: datetime | None = None
    latest: datetime | None = None

    @classmethod
    def of(cls, report: ApplicationReport, summary: StartSummary) -> Lifetime:
        """Return the lifetime from YARN's report and the policy of the start."""
        submitted_ms = report.submit_time or report.start_time
        submitted = utc_time(submitted_ms)
        ends, seconds = report.lifetime_end, summary.max_lifetime
        if ends is None or seconds is None:
            return cls(submitted, ends)
        return cls(submitted, ends, max(ends, utc_time(submitted_ms + 1000 * seconds)))

    def extended_end(self, now: datetime, lifetime: int | None) -> datetime | None:
        """Return the end after another `lifetime` (seconds; None: the longest) from now; None if
        that is no gain. It is never after `latest`."""
        if self.ends is None or self.latest is None:
            return None
        end = self.latest
        if lifetime is not None:
            end = now + min(end - now, timedelta(seconds=lifetime))
        return end if end - self.ends >= LEAST_GAIN else None

    def to_json(self) -> dict[str, int | None]:
        """Return the times in milliseconds since 1970."""
        return {"ends_ms": _milliseconds(self.ends), "latest_ms": _milliseconds(self.latest)}


def _milliseconds(time: datetime | None) -> int | None:
    return None if time is None else round(time.timestamp() * 1000)


class Extensions:
    """Extends servers, each at most once in `LEAST_INTERVAL_SECONDS`."""

    def __init__(self) -> None:
        self._recent = RecentAnswers[Lifetime | NotExtensibleError](LEAST_INTERVAL_SECONDS)

    async def extend(self, server: ExtensibleServer, launcher: Launcher) -> Lifetime:
        """Extend a server, or return the recent outcome; raises as `extend` does."""
        key = server.submission.application_id
        outcome = await self._recent.get(key, partial(_outcome, server, launcher))
        if isinstance(outcome, NotExtensibleError):
            raise NotExtensibleError(str(outcome))
        return outcome


async def _outcome(server: ExtensibleServer, launcher: Launcher) -> Lifetime | NotExtensibleError:
    try:
        return await extend(server, launcher)
    except NotExtensibleError as error:
        return error


async def extend(
    server: ExtensibleServer,
    launcher: Launcher,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> Lifetime:
    """Give a server another lifetime from now on, as far as its start's policy and YARN allow.

    Returns its lifetime after that, which may be the same. Raises `NotExtensibleError` and
    `ClusterError`.
    """
    lifetime = await _current(server, launcher)
    if lifetime.ends is None:
        raise NotExtensibleError("The server has no time limit.")
    if lifetime.latest is None:
        raise NotExtensibleError(
            "Users may not extend the time limit here. Ask an administrator to set "
            "c.YarnSpawner.max_lifetime."
        )
    end = lifetime.extended_end(now(), server.summary.lifetime)
    if end is None:
        return lifetime
    submission = server.submission
    await launcher.set_lifetime_end(submission.user, submission.application_id, end)
    extended = await _current(server, launcher)
    if extended.ends is not None and end - extended.ends >= LEAST_GAIN:
        # The queue's maximum is not in any report, so it is known only now.
        server.keep_max_lifetime(round((extended.ends - extended.submitted).total_seconds()))
        extended = Lifetime(extended.submitted, extended.ends, extended.ends)
    log.info("%s ends at %s, for its user", submission.application_id, extended.ends)
    return extended


async def _current(server: ExtensibleServer, launcher: Launcher) -> Lifetime:
    """Return the lifetime as YARN has it now."""
    report = await launcher.report(server.submission.application_id)
    if report is None or status_of(report, server.submission).life is not Liveness.ALIVE:
        raise NotExtensibleError("The server has ended.")
    return Lifetime.of(report, server.summary)
