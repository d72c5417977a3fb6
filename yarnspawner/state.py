"""A server's state in the hub's database, by which a restarted hub finds it again.

It holds the application's id, its start's tag, its Hadoop user, the fingerprint of its certificate,
what this start asked for, the options of the last start that succeeded, and the last end. It holds
no secret.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.orm import object_session
from traitlets import Unicode

from yarnspawner.endings import End, Requester, end_of, stopped_in_hub
from yarnspawner.hub.submission import Submission
from yarnspawner.jupyterhub_types import JsonObject, SpawnerBase
from yarnspawner.launch.summary import StartSummary
from yarnspawner.launcher.port_endpoint import RECEIVED_PORTS, PortReport

if TYPE_CHECKING:
    from hadoop_client.yarn.reports import ApplicationReport
    from yarnspawner.failures import SpawnError


class ServerState(SpawnerBase):
    """The part of YarnSpawner that is saved in the hub's database and loaded from it."""

    application_id = Unicode(help="The server's YARN application; empty while there is none.")
    spawn_tag = Unicode(help="The tag of this start's application; empty while there is none.")
    hadoop_user = Unicode(
        help="The Hadoop user of the application; it stays if the hub's user is renamed."
    )

    yarn_user = Unicode(help="The name that YARN has for that user; empty until it was seen.")

    certificate = Unicode(
        help="The SHA-256 of the certificate of this start; empty without internal_ssl."
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.port_report: PortReport | None = None
        self.accepted_options: JsonObject = {}

        #: What the last start asked for.
        self.summary = StartSummary()

        #: The last end of the server or its start; None after a good start.
        self.last_end: End | None = None

        #: The user or service that has asked the hub to stop the server.
        self.stop_requester: Requester | None = None

    @property
    def submission(self) -> Submission:
        """What identifies this server's application."""
        return Submission(self.application_id, self.spawn_tag, self.hadoop_user, self.yarn_user)

    def get_state(self) -> JsonObject:
        """Return the state by which a restarted hub finds the server."""
        state = super().get_state()
        if self.accepted_options:
            state["accepted_options"] = self.accepted_options
        if self.last_end is not None:
            state["last_end"] = self.last_end.to_state()
        if self.spawn_tag:
            state["spawn_tag"] = self.spawn_tag
            state["application_id"] = self.application_id
            state["hadoop_user"] = self.hadoop_user
            state["yarn_user"] = self.yarn_user
            state["certificate"] = self.certificate
            state["summary"] = self.summary.to_state()
        if self.port_report is not None:
            state["port_report"] = self.port_report.to_state()
        return state

    def load_state(self, state: JsonObject) -> None:
        """Find the server again after a restart of the hub."""
        super().load_state(state)
        self.application_id = state.get("application_id", "")
        self.spawn_tag = state.get("spawn_tag", "")
        self.hadoop_user = state.get("hadoop_user", "")
        self.yarn_user = state.get("yarn_user", "")
        self.certificate = state.get("certificate", "")
        self.accepted_options = state.get("accepted_options", {})
        self.summary = StartSummary.of_state(state.get("summary"))
        self.last_end = End.of_state(state.get("last_end"))
        if "port_report" in state:
            self._expect_port(PortReport(state["port_report"]["port"]))

    def _commit_state(self) -> None:
        """Save the state in the hub's database now; JupyterHub does so after the start only."""
        self.orm_spawner.state = self.get_state()
        session = object_session(self.orm_spawner)
        assert session is not None, "JupyterHub's spawners are in its database"
        session.commit()

    def forget_refused_options(self) -> None:
        """Restore the options of the last start that succeeded.

        JupyterHub saves new options before they are checked, and would use them at each start.
        """
        self.user_options = self.accepted_options
        self.orm_spawner.user_options = self.accepted_options
        self._commit_state()

    def keep_port_report(self, report: PortReport) -> None:
        """Save the port that a server under skein has reported."""
        self._expect_port(report)
        self._commit_state()

    def keep_yarn_user(self, name: str) -> None:
        """Save the user's name in YARN. A stop during the start, and a hub that was restarted
        meanwhile, would otherwise take the application for another user's."""
        self.yarn_user = name
        self._commit_state()

    def keep_max_lifetime(self, seconds: int) -> None:
        """Save that YARN lets the server run no longer, in seconds from the submit."""
        self.summary = replace(self.summary, max_lifetime=seconds)
        self._commit_state()

    def _record_failed_start(self, failure: SpawnError) -> None:
        """Keep the reason of a failed start, which JupyterHub forgets when it is restarted."""
        if self.stop_requester is None:
            sentence = f"The last start failed. {failure.sentence}"
            self._record_end(End("start-failed", sentence, failure.output))

    def _record_end_in_yarn(self, report: ApplicationReport | None) -> None:
        """Keep and log the end of a server that had been ready."""
        end = end_of(report)
        if self._record_end(end) and not end.is_expected:
            self.log.warning("%s (%s) has ended. %s", self._log_name, self.application_id, end.line)

    def _record_stop(self) -> None:
        """Keep a stop by the hub, and by whose request."""
        self._record_end(stopped_in_hub(self.user.name, self.stop_requester))

    def _record_end(self, end: End) -> bool:
        """Save an end, and return whether it is the first one of the server's application."""
        last = self.last_end
        if last is not None and self.application_id and last.application_id == self.application_id:
            return False
        ended_ms = end.ended_ms or round(time.time() * 1000)
        self.last_end = replace(end, ended_ms=ended_ms, application_id=self.application_id)
        self._commit_state()
        return True

    def _expect_port(self, report: PortReport) -> None:
        self.port_report = report
        if report.port:
            RECEIVED_PORTS[self.spawn_tag] = report.port

    def _forget_application(self) -> None:
        RECEIVED_PORTS.pop(self.spawn_tag, None)
        self.port_report = None
        self.application_id = self.spawn_tag = ""
        self.hadoop_user = self.yarn_user = self.certificate = ""
