"""The embedded Hadoop as a context manager that starts and ends all daemons.

- Inside the context HDFS is writable, all DataNodes are live, and all NodeManagers run.
- After it no daemon and no YARN container runs: also after an exception, Ctrl-C, or the death of
  this process.
- A given state directory is kept; a temporary one is removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from yarnhub.minihadoop import class_archive, kerberos, readiness, watchdog
from yarnhub.minihadoop.artifacts import DEFAULT_VERSION, distribution
from yarnhub.minihadoop.commands import classes_record, daemon_command, daemon_env
from yarnhub.minihadoop.configuration import resourcemanager_name
from yarnhub.minihadoop.daemon import Daemon
from yarnhub.minihadoop.errors import ConflictError
from yarnhub.minihadoop.folders import make_folders, make_folders_as
from yarnhub.minihadoop.hdfs_site import namenode_name, names_folder
from yarnhub.minihadoop.ports import reserved_ports
from yarnhub.minihadoop.processes import end_processes
from yarnhub.minihadoop.secure_site import (
    REALM,
    SERVICES,
    keytab,
    login_variables,
    service_principal,
)
from yarnhub.minihadoop.settings import HUB_USER, ClusterSettings, Security, superuser
from yarnhub.minihadoop.state import ClusterState, require_unused, usable_folder

#: Within this time all daemons must be ready.
_START_TIMEOUT_SECONDS = 300.0


def _silent(_: str) -> None:
    """Ignore progress."""


class MiniHadoop:
    """A cluster that ends with this process. Starting it raises a MiniHadoopError.

    `memory_mb` is the memory of each NodeManager. `yarn` has further properties of yarn-site.xml.
    `port` is the first port to use; by default free ports are chosen. `progress` is called with the
    name of each step.
    """

    # Set by `start`.
    state: ClusterState
    kdc: Daemon | None
    namenodes: list[Daemon]
    datanodes: list[Daemon]
    resourcemanagers: list[Daemon]
    nodemanagers: list[Daemon]

    def __init__(  # noqa: PLR0913 - independent settings, each with a default
        self,
        nodemanagers: int = 1,
        datanodes: int = 3,
        users: tuple[str, ...] = ("alice", "bob"),
        version: str = DEFAULT_VERSION,
        memory_mb: int = 6144,
        ha: bool = False,
        security: Security | None = None,
        yarn: Mapping[str, str] | None = None,
        state_dir: Path | str | None = None,
        port: int | None = None,
        progress: Callable[[str], None] = _silent,
    ) -> None:
        self._settings = ClusterSettings(
            nodemanagers,
            datanodes,
            tuple(users),
            memory_mb,
            ha=ha,
            security=security,
            yarn=yarn or {},
        )
        self._version = version
        self._state_dir = state_dir
        self._port = port
        self._progress = progress
        self._folder: Path | None = None
        self.daemons: list[Daemon] = []
        self._watchdog: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> MiniHadoop:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def conf_dir(self) -> Path:
        return self.state.conf_dir

    @property
    def default_fs(self) -> str:
        return self.state.default_fs

    @property
    def namenode_url(self) -> str:
        return self.state.namenode_url

    @property
    def resourcemanager_url(self) -> str:
        return self.state.resourcemanager_url

    @property
    def resourcemanager(self) -> Daemon:
        """The ResourceManager, the first one with HA."""
        return self.resourcemanagers[0]

    @property
    def namenode(self) -> Daemon:
        """The NameNode, the first one with HA."""
        return self.namenodes[0]

    def make_active(self, index: int) -> None:
        """Make the ResourceManager with this index, from 0, the active one."""
        self.state.resourcemanager_pair().make_active(index)

    def make_namenode_active(self, index: int) -> None:
        """Make the NameNode with this index, from 0, the active one."""
        self.state.namenode_pair().make_active(index)

    @property
    def logs(self) -> dict[str, Path]:
        return {daemon.name: daemon.log for daemon in self.daemons}

    def log_tails(self, lines: int = 30) -> dict[str, str]:
        return {daemon.name: daemon.log_tail(lines) for daemon in self.daemons}

    def env(self) -> dict[str, str]:
        """Return the environment of a Hadoop client of this cluster."""
        return self.state.env()

    def identity(self, name: str) -> dict[str, str]:
        """Return the variables that make a client act as the hub, a user or the superuser."""
        variables = {"HADOOP_USER_NAME": name}
        if self._settings.security:
            variables |= login_variables(self.state.folder, "nn" if name == superuser() else name)
        return variables

    def login(self, name: str) -> tuple[str, Path]:
        """Return the principal and the keytab of the hub or a user, in a cluster with Kerberos."""
        is_service = name in (*SERVICES, HUB_USER)
        principal = service_principal(name) if is_service else f"{name}@{REALM}"
        return principal, keytab(self.state.folder, name)

    def start(self) -> None:
        """Start the cluster and wait until it is ready; a failed start leaves nothing behind."""
        built = distribution(self._version, self._progress)
        temporary = self._state_dir is None
        folder = usable_folder(Path(self._state_dir or tempfile.mkdtemp(prefix="minihadoop-")))
        with _exclusive(folder), contextlib.ExitStack() as undo:
            require_unused(folder)
            undo.callback(self.close)
            self._folder = folder
            self._watchdog = watchdog.watch(folder, remove=temporary)
            end_processes(folder)  # Containers that outlived an earlier cluster's daemons.
            with reserved_ports(
                self._port, self._settings.datanodes, self._settings.nodemanagers
            ) as ports:
                self.state = ClusterState(folder, self._settings, ports, built)
                self.state.write()
                self._start_daemons()
            undo.pop_all()
        records = [classes_record(self.state, daemon.name) for daemon in self.daemons]
        class_archive.make(built, records)

    def wait_ready(self, timeout: float = _START_TIMEOUT_SECONDS) -> None:
        """Wait until every daemon is ready. Raises DaemonError with the end of a log."""
        deadline = time.monotonic() + timeout
        for daemon in self.daemons:
            daemon.wait_ready(deadline - time.monotonic(), self.daemons)

    def detach(self) -> ClusterState:
        """Let the cluster outlive this process. `end_processes` with its directory ends it."""
        self._end_watchdog()
        self._folder = None
        return self.state

    def close(self) -> None:
        """End the cluster, and remove a temporary state directory. Safe to repeat."""
        folder, self._folder = self._folder, None
        if folder is None:
            return
        end_processes(folder)
        for daemon in self.daemons:
            daemon.reap()
        self._end_watchdog()
        if self._state_dir is None:
            shutil.rmtree(folder, ignore_errors=True)

    def _start_daemons(self) -> None:
        self._define_daemons()
        if self.kdc:
            self._progress("Starting the KDC")
            names = (*SERVICES, HUB_USER, *self._settings.users)
            logins = map(self.login, names)
            keytabs = {file: principal for principal, file in logins}
            kerberos.make_realm(self.state.folder, keytabs)
            self.kdc.start()
            self.kdc.wait_ready(_START_TIMEOUT_SECONDS)
        self._progress("Starting YARN")
        for daemon in (*self.resourcemanagers, *self.nodemanagers):
            daemon.start()
        self._progress("Starting HDFS")
        self._format()
        for daemon in (*self.namenodes, *self.datanodes):
            daemon.start()
        self._progress("Waiting until every daemon is ready")
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        if self._settings.ha:
            for daemon in self.resourcemanagers:
                daemon.wait_ready(deadline - time.monotonic(), self.daemons)
            self.make_active(0)
            self.namenode.wait_ready(deadline - time.monotonic(), self.daemons)
            self.make_namenode_active(0)
        self.namenode.wait_ready(deadline - time.monotonic(), self.daemons)
        url, users = self.state.namenode_url, self._settings.users
        if readiness.wants_ticket(url):
            make_folders_as(self.state.superuser() or {}, url, users)
        else:
            make_folders(url, users)
        self.wait_ready(deadline - time.monotonic())

    def _define_daemons(self) -> None:
        ports = self.state.ports
        masters, pair = self._settings.masters, self.state.namenode_pair()
        self.namenodes = [
            self._daemon(
                "namenode", partial(readiness.namenode_ready, ports, i, pair), name=namenode_name(i)
            )
            for i in range(masters)
        ]
        self.resourcemanagers = [
            self._daemon(
                "resourcemanager",
                partial(readiness.resourcemanager_ready, ports, i),
                name=resourcemanager_name(i),
            )
            for i in range(masters)
        ]
        self.datanodes = [
            self._daemon("datanode", partial(readiness.datanode_ready, ports, i, masters), i)
            for i in range(self._settings.datanodes)
        ]
        self.nodemanagers = [
            self._daemon("nodemanager", partial(self._nodemanager_ready, i), i)
            for i in range(self._settings.nodemanagers)
        ]
        self.kdc = self._kdc() if self._settings.security else None
        self.daemons = [
            *([self.kdc] if self.kdc else ()),
            *self.resourcemanagers,
            *self.nodemanagers,
            *self.namenodes,
            *self.datanodes,
        ]

    def _daemon(
        self,
        kind: str,
        is_ready: Callable[[], bool],
        index: int | None = None,
        name: str | None = None,
    ) -> Daemon:
        name = name or (kind if index is None else f"{kind}{index + 1}")
        return Daemon(
            name,
            daemon_command(self.state, kind, name),
            daemon_env(self.state),
            self.state.folder,
            is_ready,
        )

    def _kdc(self) -> Daemon:
        folder = self.state.folder
        is_ready = partial(kerberos.kdc_ready, self.state.ports)
        return Daemon("kdc", kerberos.kdc_command(), kerberos.kdc_env(folder), folder, is_ready)

    def _nodemanager_ready(self, index: int) -> bool:
        since_ms = int(self.nodemanagers[index].started_at * 1000)
        return readiness.nodemanager_ready(self.state.ports, index, since_ms)

    def _format(self) -> None:
        """Format an empty HDFS, unless the state directory has one.

        A second NameNode starts with a copy of the first one's image, which `-bootstrapStandby`
        would fetch from a running NameNode.
        """
        names = names_folder(self.state.folder)
        if names.exists():
            return
        command = daemon_command(self.state, "namenode", "namenode")
        formatter = Daemon(
            "namenode-format",
            [*command, "-format", "-nonInteractive"],
            daemon_env(self.state),
            self.state.folder,
        )
        with contextlib.ExitStack() as undo:
            undo.callback(
                shutil.rmtree, names, ignore_errors=True
            )  # Never use a half-formatted one.
            formatter.start()
            formatter.wait_done(_START_TIMEOUT_SECONDS)
            if self._settings.ha:
                shutil.copytree(names, names_folder(self.state.folder, 1))
            undo.pop_all()

    def _end_watchdog(self) -> None:
        if self._watchdog:
            self._watchdog.kill()
            self._watchdog.wait()
            self._watchdog = None


@contextlib.contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Lock the state directory against another start. Raises ConflictError."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(f"Another process is starting a Hadoop in {folder}.") from None
        yield
