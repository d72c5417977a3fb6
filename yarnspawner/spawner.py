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
import time
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from jupyterhub.spawner import Spawner
from jupyterhub.utils import maybe_future

from hadoop_client.security.credentials import Token
from hadoop_client.yarn.applicationmaster import FinalStatus
from hadoop_client.yarn.reports import QueueInfo
from hdfs_contents.session.store import archive_path
from yarnspawner.container.singleuser import CONTENTS_OPTION, SESSION_OPTION
from yarnspawner.failures import (
    ApplicationFailedError,
    ClusterUnavailableError,
    ForeignApplicationError,
    OptionsError,
    QueueError,
    ServerUnreachableError,
    SpawnError,
)
from yarnspawner.hub import error_page, upstream
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.pending_start import POLL_SECONDS, PendingStart, start_failures
from yarnspawner.hub.progress import ProgressLog, ready, submitting
from yarnspawner.hub.server_check import verify_server_identity
from yarnspawner.hub.shared import get_hub_cluster, start_with_hub
from yarnspawner.hub.status import Liveness, Status, StatusCache
from yarnspawner.hub.token_cache import TokenCache
from yarnspawner.launch import certificates
from yarnspawner.launch.spec import LaunchSpec, check_resources
from yarnspawner.launch_builder import ServerRequest, build_launch_spec, refresh_seconds
from yarnspawner.launcher.port_endpoint import PortReport, digest
from yarnspawner.metrics import FOREIGN_APPLICATIONS, SUBMITS
from yarnspawner.profiles.options import ProfileOptions
from yarnspawner.state import ServerState
from yarnspawner.tags import new_spawn_tag
from yarnspawner.yarn_messages import cause_of_end

#: How long before the hub's start_timeout we give up ourselves, as only we can say why.
TIMEOUT_MARGIN_SECONDS = 2.0
STOP_TIMEOUT_SECONDS = 30.0

#: How many application ids a start takes if other users have submitted under the first ones.
SUBMIT_ATTEMPTS = 5

#: How long YARN may take to report the end of a server that has stopped answering.
END_REPORT_SECONDS = 5.0
STOP_REASON = "The server was stopped in JupyterHub."

#: Where nobody answers, so that JupyterHub finds out and cleans up: the port of `discard`.
NOBODYS_URL = "http://127.0.0.1:9"


class YarnSpawner(ServerState, ProfileOptions, Spawner):
    """Start a user's notebook server as a YARN application."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._starting = self._stopped = False
        self._submission: asyncio.Future[str] | None = None
        self._progress = ProgressLog()
        self._token_cache = TokenCache()
        self.certificates: dict[str, bytes] = {}

    @property
    def hadoop_name(self) -> str:
        """The person's name in Hadoop."""
        name: str = self.user.name
        return name if self.hadoop_name_hook is None else str(self.hadoop_name_hook(name))

    # -- the shared cluster ------------------------------------------------------------------

    async def _yarn(self) -> HubCluster:
        """Return the cluster, which all spawners of the hub share; raises
        `ClusterUnavailableError`."""
        return await get_hub_cluster(self.user.settings, self.hub.api_url, self)

    async def cluster_queues(self) -> list[QueueInfo]:
        """Return the cluster's queues; raises `ClusterError` or `ClusterUnavailableError`."""
        return await (await self._yarn()).launcher.queues()

    def clear_state(self) -> None:
        """Forget the server."""
        super().clear_state()
        self._forget_application()
        self._token_cache = TokenCache()
        self._progress = ProgressLog()  # before the start: people may follow it from then on

    async def fresh_tokens(self) -> Mapping[str, Token]:
        """Return new delegation tokens of the server's user; raises `ClusterError` and
        `TooManyRequestsError`."""
        yarn = await self._yarn()
        if yarn.tokens is None:
            return {}
        fetch = partial(yarn.tokens.fetch, self.hadoop_user)
        return await self._token_cache.get(fetch, refresh_seconds(self, yarn))

    # -- start -------------------------------------------------------------------------------

    async def start(self) -> str:
        """Start the server; returns its URL when it listens."""
        deadline = time.monotonic() + self.start_timeout - TIMEOUT_MARGIN_SECONDS
        self._starting, self._stopped = True, False
        try:
            with start_failures():
                url = await self._submit_until_ours(await self._yarn(), deadline)
        except (OptionsError, QueueError):
            self.forget_refused_options()
            raise
        else:
            self.accepted_options = dict(self.user_options)
            return url
        finally:
            self._starting = False
            self._progress.close()

    async def _submit_until_ours(self, yarn: HubCluster, deadline: float) -> str:
        """Submit the application and return its URL; under a new id if another user has that of
        the first attempt."""
        for attempt in range(1, SUBMIT_ATTEMPTS + 1):
            tag = new_spawn_tag()
            await self._submit(yarn, tag, await self._launch_spec(yarn, tag))
            try:
                return await self._ready_url(yarn, deadline)
            except ForeignApplicationError as foreign:
                FOREIGN_APPLICATIONS.inc()
                self.log.error("%s: %s", self._log_name, foreign.sentence)  # noqa: TRY400
                self._forget_application()
                self._commit_state()
                if attempt == SUBMIT_ATTEMPTS:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _launch_spec(self, yarn: HubCluster, tag: str) -> LaunchSpec:
        request = ServerRequest(
            user=self.hadoop_name,
            name=self.name,
            escaped_user=self.user.escaped_name,
            tag=tag,
            command=[*self.cmd, *self.get_args()],
            environment=self.get_env(),
            certificates=self.certificates,
            ip=self.ip,
            mem_limit=self.mem_limit,
            cpu_limit=self.cpu_limit,
            poll_interval=self.poll_interval,
        )
        spec = await build_launch_spec(self, request, yarn)
        if self.modify_spec_hook is not None:
            spec = await maybe_future(self.modify_spec_hook(self, spec))
        return spec

    async def _submit(self, yarn: HubCluster, tag: str, spec: LaunchSpec) -> None:
        application_id, maximum = await yarn.launcher.new_application()
        if maximum is not None:
            check_resources(spec, maximum)
        if self._stopped:
            raise ApplicationFailedError("The server was stopped before YARN was asked for it.")
        self.application_id, self.spawn_tag, self.hadoop_user = application_id, tag, spec.user
        if yarn.tokens is not None:
            self.token_digest = digest(self.api_token)
        if self.launcher == "skein":
            self._expect_port(PortReport.expected_from(self.api_token))
        self._commit_state()
        self.log.info("Submitting %s for %s", application_id or "a server", self._log_name)
        self._progress.add(submitting(self.python_env, spec.queue))
        # A start may be cancelled at any moment: what is on its way to YARN is then waited for by
        # stop(), which could not kill what arrives after it.
        self._submission = asyncio.ensure_future(yarn.launcher.submit(application_id, spec))
        self._submission.add_done_callback(self._submitted)
        try:
            await asyncio.shield(self._submission)
        except SpawnError:
            # YARN said no, so there is no application.
            self._forget_application()
            self._commit_state()
            raise
        SUBMITS.inc()

    def _submitted(self, submission: asyncio.Future[str]) -> None:
        """Keep the id of a launcher that could not have one before; cancelled start or not."""
        if submission.cancelled() or submission.exception() is not None:
            return
        if submission.result() != self.application_id and self.spawn_tag:
            self.application_id = submission.result()
            self._commit_state()

    async def create_certs(self) -> dict[str, str]:
        """Create the server's certificates, for all nodes on which it may come to run."""
        configured = getattr(self, "ssl_alt_names")  # noqa: B009 - an untyped trait
        if callable(configured):
            return await super().create_certs()
        with start_failures():
            hosts = await (await self._yarn()).launcher.node_hosts()
        nodes = [*hosts, *map(self._reachable, hosts)]
        self.ssl_alt_names = [*configured, *certificates.alt_names(nodes)]
        try:
            return await super().create_certs()
        finally:
            self.ssl_alt_names = configured

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        """Take the certificates into the launch; returns where the container has them."""
        self.certificates = certificates.read_files(paths)
        return {name: certificates.container_path(name) for name in certificates.VARIABLES}

    def get_env(self) -> dict[str, Any]:
        """Return the server's environment; it travels in the container's private file only."""
        env = super().get_env()
        # Without Kerberos this is all that HDFS asks for.
        env.setdefault("HADOOP_USER_NAME", self.hadoop_name)
        return env

    def get_args(self) -> list[str]:
        """Return the server's arguments; the admin's own come last, and win."""
        args = list(super().get_args())
        if not self.contents_manager:
            return args
        session = [SESSION_OPTION] if self.session_state else []
        return [CONTENTS_OPTION + self.contents_manager, *session, *args]

    async def _ready_url(self, yarn: HubCluster, deadline: float) -> str:
        """Wait until the server listens; raises `SpawnError` when it won't."""
        # A hub that was restarted waits for what an earlier one has submitted.
        pending = PendingStart(
            yarn.launcher, yarn.board, self.submission, self._progress, is_new=self._starting
        )
        host, port = await pending.address(deadline, self.start_timeout)
        self.yarn_user = pending.submission.yarn_user
        first, last = self.port_range or (1, 65535)
        if not first <= port <= last:
            raise ServerUnreachableError(
                f"The server listens on port {port}, which c.YarnSpawner.port_range does not allow."
            )
        scheme = "https" if self.internal_ssl else "http"
        url = f"{scheme}://{self._reachable(host)}:{port}"
        self._progress.add(ready(url))
        await self._verify(pending, url)
        return url

    async def _verify(self, pending: PendingStart, url: str) -> None:
        """See that this very server answers at `url`; a server that has ended says why."""
        answer = asyncio.ensure_future(
            verify_server_identity(
                url + self.server.base_url,
                self.oauth_client_id,
                self.http_timeout,
                self.user.settings,
            )
        )
        end = asyncio.ensure_future(pending.ended())
        try:
            await asyncio.wait([answer, end], return_when=asyncio.FIRST_COMPLETED)
            if answer.done() and answer.exception() is not None:
                # YARN reports the end of a server a moment after it has stopped answering.
                await asyncio.wait([end], timeout=END_REPORT_SECONDS)
            if end.done():
                raise end.result()
            answer.result()
        finally:
            answer.cancel()
            end.cancel()

    def _reachable(self, node: str) -> str:
        """Return where the hub and the proxy reach a node."""
        if callable(self.host_map):
            return str(self.host_map(node))
        return str(self.host_map.get(node, node))

    async def get_url(self) -> str:
        """Return the server's URL, after a restart of the hub in the middle of a start too."""
        if self.server.ip:
            return await self._url_of_running_server()
        deadline = time.monotonic() + self.start_timeout
        while not self.application_id:
            if await self.poll() is not None or time.monotonic() > deadline:
                return NOBODYS_URL
            await asyncio.sleep(POLL_SECONDS)
        try:
            return await self._ready_url(await self._yarn(), deadline)
        except SpawnError as failure:
            self.log.warning("%s did not become ready: %s", self._log_name, failure.sentence)
        except Exception:
            # JupyterHub would not start at all: what a server answers is its user's choice.
            self.log.exception("Checking %s failed", self._log_name)
        return NOBODYS_URL

    async def _url_of_running_server(self) -> str:
        """Return the URL of a server that an earlier hub has started.

        JupyterHub is about to end the server if it does not answer. The hub may be the one that is
        cut off, so a server that YARN has running is kept: its user gets the proxy's error page
        until it is reachable, and can stop it.
        """
        url = str(await super().get_url())
        try:
            await verify_server_identity(
                url.rstrip("/") + self.server.base_url,
                self.oauth_client_id,
                self.http_timeout,
                self.user.settings,
            )
        except ServerUnreachableError as failure:
            if await self.poll() is not None:
                return NOBODYS_URL
            self.log.warning("%s is kept, as YARN has it running. %s", self._log_name, failure)
            upstream.skip_wait_up(self.server)
        return url

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Tell what YARN is doing, as it happens."""
        async for event in self._progress.follow():
            yield event

    # -- poll and stop -----------------------------------------------------------------------

    async def poll(self) -> int | None:
        """Return None while the server runs, or may run; else its exit code."""
        if self._is_before_submit():
            return None
        if not self.application_id and not self.spawn_tag:
            return 0
        try:
            status = await self._status((await self._yarn()).board)
        except ClusterUnavailableError as error:
            self.log.error("%s", error)  # noqa: TRY400 - the sentence says it all
            return None
        except Exception:
            # JupyterHub would take it for the server's end, and forget one that runs.
            self.log.exception("Whether %s still runs can't be told", self._log_name)
            return None
        if status.life in (Liveness.ALIVE, Liveness.UNKNOWN):
            return None
        report = status.report
        if status.life is Liveness.FOREIGN and report is not None:
            self.log.error(
                "%s has no application: %s is one of %s",
                self._log_name,
                self.application_id,
                report.user,
            )
            return 1
        if report and report.final_status is FinalStatus.SUCCEEDED:
            return 0
        why = cause_of_end(report)
        self.log.warning("%s (%s) has ended. %s", self._log_name, self.application_id, why)
        return 1

    def _is_before_submit(self) -> bool:
        """Tell whether YARN may not know yet what is being started."""
        if self._submission is not None and not self._submission.done():
            return True
        return self._starting and not self.application_id

    async def _status(self, board: StatusCache) -> Status:
        if self.application_id:
            return await board.status(self.submission, self.status_interval)
        # The hub ended before it was told the id.
        status = await board.find(self.submission, self.status_interval)
        if status.report is not None:
            self.application_id = str(status.report.application_id)
            self._commit_state()
        return status

    async def stop(self, now: bool = False) -> None:
        """End the server, also while it is starting; returns when YARN says that it has ended.

        Where YARN does not say so in time, the hub goes on ending it in the background.
        """
        self._stopped = True  # a hub that ends does not cancel the start, which may not be so far
        if self._submission is not None and not self._submission.done():
            await asyncio.wait([self._submission])  # what it came to is start()'s to tell
        if not self.application_id:
            return
        ending = (await self._yarn()).end(self.submission, STOP_REASON)
        done, _ = await asyncio.wait([ending], timeout=STOP_TIMEOUT_SECONDS)
        if not done:
            self.log.error(
                "YARN has not confirmed within %s s that %s has ended; going on to end it.",
                STOP_TIMEOUT_SECONDS,
                self.application_id,
            )
            return
        # What is shared of the states may be some seconds old, and have it running still.
        self._forget_application()

    async def delete_forever(self) -> None:
        """End what is left of the server, and delete what was kept of its session in HDFS."""
        try:
            await self.stop()
            yarn = await self._yarn()
            if yarn.homes is not None:
                home = yarn.configuration.home_directory(self.hadoop_name)
                await yarn.homes.delete(self.hadoop_name, archive_path(home, self.name))
        except ClusterUnavailableError as error:
            self.log.error("The session of %s is left in HDFS: %s", self._log_name, error)  # noqa: TRY400 - the sentence says it all


error_page.install()
upstream.install()
start_with_hub(YarnSpawner)
