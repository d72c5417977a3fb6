"""YarnSpawner: each notebook server is a YARN application that runs as its user.

- The application's id and tag are in the hub's database before the submit. A hub that is killed at
  any moment finds the application again.
- RUNNING means ready: the application master registers when the server listens.
- A server has ended only if YARN reports it. If YARN does not answer, the server's state is
  unknown.
- An application is the server's only if its id, tag and user are those of the submit.
- A failed start raises one sentence, followed by the server's last output if there is any.

The hub is an ordinary Hadoop client: HADOOP_CONF_DIR names its cluster, and HADOOP_USER_NAME or a
keytab its user.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from functools import partial

from jupyterhub.spawner import Spawner
from jupyterhub.utils import maybe_future

from hadoop_client.printable import printable
from hadoop_client.security.credentials import Token
from hadoop_client.yarn.applicationmaster import FinalStatus
from yarnspawner.failures import (
    ApplicationFailedError,
    ClusterUnavailableError,
    ForeignApplicationError,
    OptionsError,
    QueueError,
    ServerUnreachableError,
    SpawnError,
    WrongCertificateError,
)
from yarnspawner.hub import upstream
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.hub.install import install
from yarnspawner.hub.kept_session import kept_session
from yarnspawner.hub.pending_start import POLL_SECONDS, PendingStart, start_failures
from yarnspawner.hub.progress import ProgressLog, ready, submitting
from yarnspawner.hub.server_check import verify_server_identity
from yarnspawner.hub.status import Liveness, Status, StatusCache
from yarnspawner.hub.token_cache import TokenCache
from yarnspawner.internal_ssl import InternalSsl
from yarnspawner.jupyterhub_types import JsonObject
from yarnspawner.launch.certificates import fingerprint
from yarnspawner.launch.limits import check_environment, check_files, check_resources, check_tags
from yarnspawner.launch.spec import LaunchSpec
from yarnspawner.launch_builder import (
    ServerRequest,
    build_launch_spec,
    refresh_seconds,
    with_facts,
)
from yarnspawner.launcher.port_endpoint import PortReport
from yarnspawner.launcher.signed_request import start_key
from yarnspawner.metrics import FOREIGN_APPLICATIONS, SUBMITS
from yarnspawner.profiles.options import ProfileOptions
from yarnspawner.server_command import ServerCommand
from yarnspawner.state import ServerState
from yarnspawner.tags import new_spawn_tag

#: A start fails this long before JupyterHub's start_timeout, because only our error has the reason.
TIMEOUT_MARGIN_SECONDS = 2.0
STOP_TIMEOUT_SECONDS = 30.0

#: How many application ids a start takes if other users have submitted under the first ones.
SUBMIT_ATTEMPTS = 5

STOP_REASON = "The server was stopped in JupyterHub."

#: A URL at which nothing answers (the port of `discard`): JupyterHub then cleans the server up.
UNREACHABLE_URL = "http://127.0.0.1:9"


class YarnSpawner(ServerState, ServerCommand, InternalSsl, ProfileOptions, Spawner):
    """Start a user's notebook server as a YARN application."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._starting = self._stopped = False
        #: When the last start began, in seconds since 1970.
        self.start_began = 0.0
        self._submission: asyncio.Future[str] | None = None
        self._progress = ProgressLog(with_links=self.cluster_links)
        self._token_cache = TokenCache()

    @property
    def _log_name(self) -> str:
        """The server's name in JupyterHub's log lines and ours. Users choose names of servers."""
        return printable(super()._log_name)

    @property
    def start_key(self) -> bytes:
        """The key that the container of this start shares with the hub; empty without a start."""
        return start_key(self.user.settings["cookie_secret"], self.spawn_tag)

    def clear_state(self) -> None:
        """Forget the server."""
        super().clear_state()
        self._forget_application()
        self._token_cache = TokenCache()
        # The page may follow it before the start.
        self._progress = ProgressLog(with_links=self.cluster_links)

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
        """Start the server; returns its URL when it is ready."""
        deadline = time.monotonic() + self.start_timeout - TIMEOUT_MARGIN_SECONDS
        self._starting, self._stopped = True, False
        self.start_began = time.time()
        self.stop_requester = None
        try:
            with start_failures():
                url = await self._submit_until_ours(await self._yarn(), deadline)
        except SpawnError as failure:
            self._record_failed_start(failure)
            if isinstance(failure, OptionsError | QueueError):
                self.forget_refused_options()
            raise
        else:
            self.accepted_options = dict(self.user_options)
            self.last_end = None
            return url
        finally:
            self._starting = False
            self._progress.close()

    async def _submit_until_ours(self, yarn: HubCluster, deadline: float) -> str:
        """Submit the application and return the server's URL. If another user has its id, submit it
        again under a new one."""
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
            key=start_key(self.user.settings["cookie_secret"], tag),
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
        return with_facts(spec, self, yarn, profile=self.profile_title, submitted=time.time())

    async def _submit(self, yarn: HubCluster, tag: str, spec: LaunchSpec) -> None:
        check_tags(spec.tags, yarn.limits)
        check_files(spec.files)
        check_environment(spec.environment)
        application_id, maximum = await yarn.launcher.new_application()
        if maximum is not None:
            check_resources(spec, maximum)
        if self._stopped:
            raise ApplicationFailedError(
                "The start was cancelled before anything was submitted to YARN."
            )
        self.application_id, self.spawn_tag, self.hadoop_user = application_id, tag, spec.user
        self.certificate = fingerprint(self.certificates)
        self.summary = self._summary(spec, yarn)
        if self.launcher == "skein":
            self._expect_port(PortReport())
        self._commit_state()
        self.log.info("Submitting %s for %s", application_id or "a server", self._log_name)
        self._progress.add(submitting(self.python_env, spec.queue))
        # The start may be cancelled now. stop() then waits for this submit, because it could not
        # kill an application that reaches YARN later.
        self._submission = asyncio.ensure_future(yarn.launcher.submit(application_id, spec))
        self._submission.add_done_callback(self._submitted)
        try:
            await asyncio.shield(self._submission)
        except SpawnError:
            # YARN rejected the submit: there is no application.
            self._forget_application()
            self._commit_state()
            raise
        SUBMITS.inc()

    def _submitted(self, submission: asyncio.Future[str]) -> None:
        """Store an id that the launcher gets only with the submit, also after a cancelled start."""
        if submission.cancelled() or submission.exception() is not None:
            return
        if submission.result() != self.application_id and self.spawn_tag:
            self.application_id = submission.result()
            self._commit_state()

    async def _ready_url(self, yarn: HubCluster, deadline: float) -> str:
        """Wait until the server is ready; raises `SpawnError`.

        After a restart of the hub this is a server that the earlier hub submitted.
        """
        pending = PendingStart(
            yarn.launcher,
            yarn.board,
            self.submission,
            self._progress,
            self.keep_yarn_user,
            is_new=self._starting,
        )
        host, port = await pending.address(deadline, self.start_timeout)
        first, last = self.port_range or (1, 65535)
        if not first <= port <= last:
            raise ServerUnreachableError(
                f"The server listens on port {port}, which c.YarnSpawner.port_range does not allow."
            )
        scheme = "https" if self.internal_ssl else "http"
        url = f"{scheme}://{self._reachable(host)}:{port}"
        self._progress.add(ready(url))
        await pending.verify(self._verify_identity(url + self.server.base_url))
        return url

    def _verify_identity(self, url: str) -> Coroutine[None, None, None]:
        return verify_server_identity(
            url,
            self.oauth_client_id,
            self.http_timeout,
            self.user.settings,
            self.certificate,
        )

    async def get_url(self) -> str:
        """Return the server's URL, also if the hub was restarted during the start."""
        if self.server.ip:
            return await self._url_of_running_server()
        deadline = time.monotonic() + self.start_timeout
        while not self.application_id:
            if await self.poll() is not None or time.monotonic() > deadline:
                return UNREACHABLE_URL
            await asyncio.sleep(POLL_SECONDS)
        try:
            return await self._ready_url(await self._yarn(), deadline)
        except SpawnError as failure:
            self.log.warning("%s did not become ready: %s", self._log_name, failure.sentence)
        except Exception:
            # An exception would keep JupyterHub from starting, and the server chooses its answers.
            self.log.exception("Checking %s failed", self._log_name)
        return UNREACHABLE_URL

    async def _url_of_running_server(self) -> str:
        """Return the URL of a server that an earlier hub started.

        JupyterHub would end a server that does not answer. But the hub's own network may be down,
        so a server that runs in YARN is kept. Until the hub reaches it, its user gets the proxy's
        error page and can stop it.
        """
        url = str(await super().get_url())
        try:
            await self._verify_identity(url)
        except ServerUnreachableError as failure:
            if isinstance(failure, WrongCertificateError):
                self.log.error("%s: %s", self._log_name, failure)  # noqa: TRY400 - it says why
                return UNREACHABLE_URL
            if await self.poll() is not None:
                return UNREACHABLE_URL
            self.log.warning("%s is kept, because it runs in YARN. %s", self._log_name, failure)
            upstream.skip_wait_up(self.server)
        return url

    async def progress(self) -> AsyncIterator[JsonObject]:
        """Yield the events of the start."""
        async for event in self._progress.follow():
            yield event

    # -- poll and stop -----------------------------------------------------------------------

    async def poll(self) -> int | None:
        """Return None if the server runs or may run, else its exit code."""
        if self._is_before_submit():
            return None
        if not self.application_id and not self.spawn_tag:
            return 0
        try:
            status = await self._status((await self._yarn()).board)
        except ClusterUnavailableError as error:
            self.log.error("%s", error)  # noqa: TRY400 - the message has the reason
            return None
        except Exception:
            # JupyterHub would treat an exception as the end of the server.
            self.log.exception("The state of %s is unknown", self._log_name)
            return None
        if status.life in (Liveness.ALIVE, Liveness.UNKNOWN):
            return None
        report = status.report
        if status.life is Liveness.FOREIGN and report is not None:
            self.log.error(
                "%s has no application: %s belongs to %s",
                self._log_name,
                self.application_id,
                report.user,
            )
            return 1
        self._record_end_in_yarn(report)
        succeeded = report is not None and report.final_status is FinalStatus.SUCCEEDED
        return 0 if succeeded else 1

    def _is_before_submit(self) -> bool:
        """Return whether the application may not have reached YARN yet."""
        if self._submission is not None and not self._submission.done():
            return True
        return self._starting and not self.application_id

    async def _status(self, board: StatusCache) -> Status:
        if self.application_id:
            return await board.status(self.submission, self.status_interval)
        # The hub was killed before the launcher returned the id.
        status = await board.find(self.submission, self.status_interval)
        if status.report is not None:
            self.application_id = str(status.report.application_id)
            self._commit_state()
        return status

    async def stop(self, now: bool = False) -> None:
        """End the server, also during its start; returns when YARN reports the end.

        If YARN does not report it in time, the hub continues in the background.
        """
        self._stopped = True  # a hub that shuts down does not cancel a start
        if self._submission is not None and not self._submission.done():
            await asyncio.wait([self._submission])  # start() raises its errors
        if not self.application_id:
            return
        ending = (await self._yarn()).end(self.submission, STOP_REASON)
        done, _ = await asyncio.wait([ending], timeout=STOP_TIMEOUT_SECONDS)
        self._record_stop()
        if not done:
            self.log.error(
                "YARN did not confirm the end of %s within %s s. Trying again in the background.",
                self.application_id,
                STOP_TIMEOUT_SECONDS,
            )
            return
        # The cached state is some seconds old, and may still be RUNNING.
        self._forget_application()

    async def delete_forever(self) -> None:
        """End the server, and delete its session in HDFS."""
        try:
            await self.stop()
            yarn = await self._yarn()
            if yarn.homes is not None:
                user = self.hadoop_name
                home = yarn.configuration.home_directory(user)
                kept = kept_session(self.get_args(), home, user, self.name)
                await yarn.homes.delete(user, kept.path, recursive=kept.is_directory)
        except (ClusterUnavailableError, ValueError) as error:
            sentence = "The session of %s was not deleted from HDFS: %s"
            self.log.error(sentence, self._log_name, error)  # noqa: TRY400 - it has the reason


install(YarnSpawner)
