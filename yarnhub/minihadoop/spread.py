"""One host's part in a Hadoop that is spread over hosts, as docker-compose.yml has it.

    python -m yarnhub.minihadoop.spread daemon      become the daemon that this host is called as
    python -m yarnhub.minihadoop.spread ready       tell by the exit code whether that serves
    python -m yarnhub.minihadoop.spread folders     make the folders of HDFS, people's homes too
    python -m yarnhub.minihadoop.spread COMMAND…    become a command that uses the cluster

- What the cluster is comes from the environment, the same on each host: YARNHUB_USERS,
  YARNHUB_DATANODES, YARNHUB_NODEMANAGERS, YARNHUB_NODE_MEMORY_MB. Its configuration is written
  anew each time.
- All that is written is in the account's home: what is in there outlives the host's process.
- An HDFS that exists is never formatted.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from yarnhub.minihadoop import readiness
from yarnhub.minihadoop.artifacts import distribution
from yarnhub.minihadoop.commands import daemon_command, daemon_env
from yarnhub.minihadoop.configuration import ClusterSettings
from yarnhub.minihadoop.errors import BadSettings, DaemonFailed, MiniHadoopError
from yarnhub.minihadoop.folders import make_folders
from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.state import ClusterState

PORTS = Ports(9000, spread=True)

#: The account of the daemons, and so HDFS's and YARN's superuser.
SUPERUSER = "hadoop"


def settings_from(environment: Mapping[str, str]) -> ClusterSettings:
    """Return the cluster that the environment describes. Raises BadSettings."""

    def number(name: str, default: int) -> int:
        text = environment.get(name) or str(default)
        if not text.isdecimal():
            raise BadSettings(f"{name} is {text!r}, and should be a number.")
        return int(text)

    users = tuple((environment.get("YARNHUB_USERS") or "alice bob").split())
    if SUPERUSER in users:
        raise BadSettings(f"{SUPERUSER} is the cluster's own, and so can't be one of its users.")
    return ClusterSettings(
        users=users,
        datanodes=number("YARNHUB_DATANODES", 3),
        nodemanagers=number("YARNHUB_NODEMANAGERS", 2),
        memory_mb=number("YARNHUB_NODE_MEMORY_MB", 3072),
    )


def daemon_of(host: str, settings: ClusterSettings) -> tuple[str, int]:
    """Return the kind and the index, from 0, of the daemon that a host is called as."""
    counts = {
        "namenode": 0,
        "resourcemanager": 0,
        "datanode": settings.datanodes,
        "nodemanager": settings.nodemanagers,
    }
    found = re.fullmatch(r"([a-z]+)([1-9]\d*)?", host)
    kind, number = (found[1], int(found[2] or 0)) if found else (host, 0)
    if kind not in counts or not min(1, counts[kind]) <= number <= counts[kind]:
        raise BadSettings(f"No daemon of this cluster is called as this host is, {host!r}.")
    return kind, max(number - 1, 0)


def is_ready(kind: str, index: int) -> bool:
    """Tell whether a daemon serves, by its own word and by that of who leads it."""
    if kind == "namenode":
        return readiness.namenode_ready(PORTS)
    if kind == "resourcemanager":
        return readiness.resourcemanager_ready(PORTS)
    if kind == "datanode":
        return readiness.datanode_ready(PORTS, index)
    return readiness.nodemanager_ready(PORTS, index, since_ms=0)


def main(arguments: list[str]) -> int:
    """Do what the top of this file says; returns the exit code, unless it becomes something else.

    Raises a MiniHadoopError, or FileNotFoundError if there is no such command.
    """
    settings = settings_from(os.environ)
    if arguments == ["ready"]:
        return 0 if is_ready(*daemon_of(socket.gethostname(), settings)) else 1
    if arguments == ["folders"]:
        make_folders(PORTS.namenode_url(), settings.users, SUPERUSER)
        return 0
    state = ClusterState(Path.home(), settings, PORTS, distribution())
    state.write_files()
    if arguments == ["daemon"]:
        _become_daemon(state, socket.gethostname())
    return os.execvpe(arguments[0], arguments, {**os.environ, **state.env()})


def _become_daemon(state: ClusterState, host: str) -> NoReturn:
    kind, _ = daemon_of(host, state.settings)
    command, environment = daemon_command(state, kind, host), daemon_env(state)
    names = state.folder / "dfs" / "name"
    if kind == "namenode" and not names.exists():
        done = subprocess.run([*command, "-format", "-nonInteractive"], env=environment)
        if done.returncode:
            shutil.rmtree(names, ignore_errors=True)  # Half an HDFS is none.
            raise DaemonFailed("HDFS could not be formatted; the lines above say why.")
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:] or ["daemon"]))
    except MiniHadoopError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except FileNotFoundError as error:
        sys.stderr.write(f"{error.filename}: there is no such command.\n")
        sys.exit(127)
