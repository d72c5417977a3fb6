"""What a hub keeps of a server in its database, so that after its end the next one finds it again.

Of an application that is its id, the tag of its start, as whom it was submitted, and a digest of
its API token; of the server, what was asked for when it last started well.
"""

from __future__ import annotations

from sqlalchemy.orm import object_session
from traitlets import Unicode

from yarnspawner.jupyterhub_types import JsonObject, SpawnerBase
from yarnspawner.launcher.port_endpoint import RECEIVED_PORTS, PortReport


class ServerState(SpawnerBase):
    """The part of YarnSpawner that goes into the hub's database and comes from it."""

    application_id = Unicode(help="The YARN application of this server; empty while there is none.")
    spawn_tag = Unicode(help="What marks the application of this start; empty while there is none.")
    hadoop_user = Unicode(
        help="As whom the application was submitted, also after the hub's user was renamed."
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.port_report: PortReport | None = None
        self.token_digest = ""
        self.accepted_options: JsonObject = {}

    def get_state(self) -> JsonObject:
        """Return what a restarted hub needs to find the server."""
        state = super().get_state()
        if self.accepted_options:
            state["accepted_options"] = self.accepted_options
        if self.spawn_tag:
            state["spawn_tag"] = self.spawn_tag
            state["application_id"] = self.application_id
            state["hadoop_user"] = self.hadoop_user
            if self.token_digest:
                state["token_digest"] = self.token_digest
        if self.port_report is not None:
            state["port_report"] = self.port_report.to_state()
        return state

    def load_state(self, state: JsonObject) -> None:
        """Find the server again after a restart of the hub."""
        super().load_state(state)
        self.application_id = state.get("application_id", "")
        self.spawn_tag = state.get("spawn_tag", "")
        self.hadoop_user = state.get("hadoop_user", "")
        self.accepted_options = state.get("accepted_options", {})
        self.token_digest = state.get("token_digest", "")
        if "port_report" in state:
            self._expect_port(PortReport(**state["port_report"]))

    def _commit_state(self) -> None:
        """Put the state into the hub's database now: JupyterHub itself does so after the start."""
        self.orm_spawner.state = self.get_state()
        session = object_session(self.orm_spawner)
        assert session is not None, "JupyterHub's spawners are in its database"
        session.commit()

    def forget_refused_options(self) -> None:
        """Go back to the options of the last good start: JupyterHub has kept the new ones before
        anybody looked at them, and would use them again for ever."""
        self.user_options = self.accepted_options
        self.orm_spawner.user_options = self.accepted_options
        self._commit_state()

    def keep_port_report(self, report: PortReport) -> None:
        """Keep what a server that skein started has reported."""
        self._expect_port(report)
        self._commit_state()

    def _expect_port(self, report: PortReport) -> None:
        self.port_report = report
        if report.port:
            RECEIVED_PORTS[self.spawn_tag] = report.port

    def _forget_application(self) -> None:
        RECEIVED_PORTS.pop(self.spawn_tag, None)
        self.port_report = None
        self.application_id = self.spawn_tag = self.hadoop_user = self.token_digest = ""
