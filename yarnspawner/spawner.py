"""YarnSpawner: one notebook server is one YARN application, run as the person it belongs to.

- The application's id is in the hub's database before the application exists, so that a hub that
  dies at any moment finds it again.
- RUNNING means ready: the application master registers when the server listens.
- A server counts as ended only when YARN says so, never because YARN does not answer.
- What goes wrong is told in one sentence, with the server's own last words where there are any.

The hub is a Hadoop client like any other: HADOOP_CONF_DIR and HADOOP_USER_NAME in its environment
say which cluster it uses, and as whom.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

from jupyterhub.spawner import Spawner
from sqlalchemy.orm import object_session
from traitlets import Unicode

from yarnspawner.cluster import ClusterError, Life
from yarnspawner.container.payload import Launch
from yarnspawner.container.singleuser import CONTENTS_OPTION
from yarnspawner.environments import find_environment
from yarnspawner.failures import (
    ApplicationFailed,
    ClusterUnavailable,
    SpawnFailure,
    StartTimeout,
    explain_end,
)
from yarnspawner.hadoop.applicationmaster import FinalStatus
from yarnspawner.hadoop.records import ApplicationState
from yarnspawner.hadoop.reports import ApplicationReport
from yarnspawner.launch import LaunchSpec, check_resources, container_memory_mb, container_vcores
from yarnspawner.progress import ProgressLog, describe
from yarnspawner.settings import YarnSpawnerSettings
from yarnspawner.yarn import Yarn

START_POLL_SECONDS = 0.25
TIMEOUT_MARGIN_SECONDS = 2.0
"""How long before the hub's start_timeout we give up ourselves, as only we can say why."""
STOP_TIMEOUT_SECONDS = 30.0
STOP_REASON = "The server was stopped in JupyterHub."
NOBODYS_URL = "http://127.0.0.1:9"
"""Where nobody answers, so that JupyterHub finds out and cleans up: the port of `discard`."""


class YarnSpawner(YarnSpawnerSettings, Spawner):
    """Start a user's notebook server as a YARN application."""

    application_id = Unicode(help="The YARN application of this server; empty while there is none.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._starting = False
        self._submission: asyncio.Future[None] | None = None
        self._progress = ProgressLog()

    # -- the shared cluster ------------------------------------------------------------------

    @property
    def hub_tag(self) -> str:
        """What marks the applications of this hub, the same after each of its restarts."""
        return "yarnhub-" + hashlib.sha256(self.hub.api_url.encode()).hexdigest()[:16]

    def _yarn(self) -> Yarn:
        """Return the cluster, which all spawners of the hub share."""
        settings: dict[str, Any] = self.user.settings
        if "yarnspawner" not in settings:
            settings["yarnspawner"] = Yarn.from_environment(self.hub_tag)
        return settings["yarnspawner"]

    # -- state -------------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """Return what a restarted hub needs to find the server."""
        state = super().get_state()
        if self.application_id:
            state["application_id"] = self.application_id
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the server again after a restart of the hub."""
        super().load_state(state)
        self.application_id = state.get("application_id", "")

    def clear_state(self) -> None:
        """Forget the server."""
        super().clear_state()
        self.application_id = ""
        self._progress = ProgressLog()  # before the start: people may follow it from then on

    def _commit_state(self) -> None:
        """Put the state into the hub's database now: JupyterHub itself does so after the start."""
        self.orm_spawner.state = self.get_state()
        session = object_session(self.orm_spawner)
        assert session is not None, "JupyterHub's spawners are in its database"
        session.commit()

    # -- start -------------------------------------------------------------------------------

    async def start(self) -> str:
        """Start the server; returns its URL when it listens."""
        deadline = time.monotonic() + self.start_timeout - TIMEOUT_MARGIN_SECONDS
        self._starting = True
        try:
            yarn = self._yarn()
            await self._submit(yarn)
            return await self._ready_url(yarn, deadline)
        except ClusterError as error:
            raise ClusterUnavailable(
                f"{error} Try again in a minute; if it stays so, tell an administrator."
            ) from error
        finally:
            self._starting = False
            self._progress.close()

    async def _submit(self, yarn: Yarn) -> None:
        spec = await self._launch_spec(yarn)
        application_id, maximum = await yarn.cluster.new_application()
        check_resources(spec, maximum)
        self.application_id = application_id
        self._commit_state()
        self.log.info("Submitting %s for %s", application_id, self._log_name)
        # A start may be cancelled at any moment: what is on its way to YARN is then waited for by
        # stop(), which could not kill what arrives after it.
        self._submission = asyncio.ensure_future(yarn.cluster.submit(application_id, spec))
        try:
            await asyncio.shield(self._submission)
        except SpawnFailure:
            # YARN said no, so there is no application.
            self.application_id = ""
            self._commit_state()
            raise

    async def _launch_spec(self, yarn: Yarn) -> LaunchSpec:
        environment = await find_environment(
            self.python_env, self.env_root, yarn.default_filesystem
        )
        launch = Launch(
            command=[*self.cmd, *self.get_args()],
            environment={name: str(value) for name, value in self.get_env().items()},
            schedulers=yarn.schedulers,
            ip=self.ip,
            port_range=self.port_range,
        )
        return LaunchSpec(
            user=self.user.name,
            name=f"jupyterhub-{self.user.name}" + (f"-{self.name}" if self.name else ""),
            queue=self.queue,
            memory_mb=container_memory_mb(self.mem_limit, self.am_overhead),
            vcores=container_vcores(self.cpu_limit),
            tags=(self.hub_tag,),
            python=environment.python,
            archive=environment.archive,
            viewer=yarn.hub_user,
            launch=launch,
        )

    def get_env(self) -> dict[str, Any]:
        """Return the server's environment; it travels in the container's private file only."""
        env = super().get_env()
        # Without Kerberos this is all that HDFS asks for.
        env.setdefault("HADOOP_USER_NAME", self.user.name)
        return env

    def get_args(self) -> list[str]:
        """Return the server's arguments; the admin's own come last, and win."""
        args = list(super().get_args())
        return [CONTENTS_OPTION + self.contents_manager, *args] if self.contents_manager else args

    async def _ready_url(self, yarn: Yarn, deadline: float) -> str:
        """Wait until the server listens; raises `SpawnFailure` when it won't."""
        while True:
            status = await yarn.board.status(self.application_id, max_age=START_POLL_SECONDS)
            report = status.report
            if status.life is Life.ENDED:
                raise explain_end(report)
            if report is not None:
                self._progress.add(describe(report, self.application_id))
                # An application master without a server registers only to say why there is none.
                if report.state is ApplicationState.RUNNING and report.port > 0:
                    try:
                        return await self._server_url(yarn, report)
                    except ClusterError as error:
                        # It may just have ended: the next look tells.
                        self.log.warning("%s: %s", self.application_id, error)
            if time.monotonic() > deadline:
                raise StartTimeout.after(self.start_timeout, report)
            await asyncio.sleep(START_POLL_SECONDS)

    async def _server_url(self, yarn: Yarn, report: ApplicationReport) -> str:
        host, port = await yarn.cluster.server_address(self.user.name, report)
        first, last = self.port_range or (1, 65535)
        if not first <= port <= last:
            raise ApplicationFailed(
                f"The server listens on port {port}, which c.YarnSpawner.port_range does not allow."
            )
        scheme = "https" if self.internal_ssl else "http"
        return f"{scheme}://{host}:{port}"

    async def get_url(self) -> str:
        """Return the server's URL, after a restart of the hub in the middle of a start too."""
        if self.server.ip:
            return await super().get_url()
        try:
            return await self._ready_url(self._yarn(), time.monotonic() + self.start_timeout)
        except SpawnFailure as failure:
            self.log.warning("%s did not become ready: %s", self._log_name, failure.sentence)
            return NOBODYS_URL

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Tell what YARN is doing, as it happens."""
        async for event in self._progress.follow():
            yield event

    # -- poll and stop -----------------------------------------------------------------------

    async def poll(self) -> int | None:
        """Return None while the server runs, or may run; else its exit code."""
        if not self.application_id:
            return None if self._starting else 0
        try:
            board = self._yarn().board
        except ClusterUnavailable as failure:
            self.log.error("%s", failure)  # noqa: TRY400 - the sentence says it all
            return None
        status = await board.status(self.application_id, self.status_interval)
        if status.life is not Life.ENDED:
            return None
        report = status.report
        if report and report.final_status is FinalStatus.SUCCEEDED:
            return 0
        said = report.diagnostics.strip() if report else "YARN no longer knows it"
        self.log.warning("%s (%s) ended: %s", self._log_name, self.application_id, said)
        return 1

    async def stop(self, now: bool = False) -> None:
        """End the server, also while it is starting; returns when YARN says that it has ended.

        Where YARN does not say so in time, the hub goes on ending it in the background.
        """
        if self._submission is not None and not self._submission.done():
            await asyncio.wait([self._submission])  # what it came to is start()'s to tell
        if not self.application_id:
            return
        ending = self._yarn().end(self.user.name, self.application_id, STOP_REASON)
        done, _ = await asyncio.wait([ending], timeout=STOP_TIMEOUT_SECONDS)
        if not done:
            self.log.error(
                "YARN has not confirmed within %s s that %s has ended; going on to end it.",
                STOP_TIMEOUT_SECONDS,
                self.application_id,
            )
