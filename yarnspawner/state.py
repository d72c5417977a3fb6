"""A server's state in the hub's database, by which a restarted hub finds it again.

It holds the application's id, its start's tag, its Hadoop user, the fingerprint of its certificate,
and the options of the last start that succeeded. It holds no secret.
"""

from __future__ import annotations

from sqlalchemy.orm import object_session
from traitlets import Unicode

from yarnspawner.hub.submission import Submission
from yarnspawner.jupyterhub_types import JsonObject, SpawnerBase
from yarnspawner.launcher.port_endpoint import RECEIVED_PORTS, PortReport


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

    @property
    def submission(self) -> Submission:
        """What identifies this server's application."""
        return Submission(self.application_id, self.spawn_tag, self.hadoop_user, self.yarn_user)

    def get_state(self) -> JsonObject:
        """Return the state by which a restarted hub finds the server."""
        state = super().get_state()
        if self.accepted_options:
            state["accepted_options"] = self.accepted_options
        if self.spawn_tag:
            state["spawn_tag"] = self.spawn_tag
            state["application_id"] = self.application_id
            state["hadoop_user"] = self.hadoop_user
            state["yarn_user"] = self.yarn_user
            state["certificate"] = self.certificate
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

    def _expect_port(self, report: PortReport) -> None:
        self.port_report = report
        if report.port:
            RECEIVED_PORTS[self.spawn_tag] = report.port

    def _forget_application(self) -> None:
        RECEIVED_PORTS.pop(self.spawn_tag, None)
        self.port_report = None
        self.application_id = self.spawn_tag = ""
        self.hadoop_user = self.yarn_user = self.certificate = ""
