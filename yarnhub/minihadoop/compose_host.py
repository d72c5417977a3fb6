"""One host of a distributed Hadoop: the entry point of all containers of docker-compose.yml.

    python -m yarnhub.minihadoop.compose_host daemon      run the daemon named like this host
    python -m yarnhub.minihadoop.compose_host ready       exit with 0 if that daemon is ready
    python -m yarnhub.minihadoop.compose_host folders     create HDFS's directories and homes
    python -m yarnhub.minihadoop.compose_host COMMAND…    run a command that uses the cluster

- The environment, the same on each host, describes the cluster: YARNHUB_USERS, YARNHUB_DATANODES,
  YARNHUB_NODEMANAGERS, YARNHUB_NODE_MEMORY_MB, and COMPOSE_PROFILES, in which `kerberos` adds
  Kerberos. The configuration files are written at each start.
- All files are written to the account's home, which outlives the container if it is a volume.
- An existing HDFS is never formatted.
- With Kerberos the host kdc makes all keys. It puts those of a host in /etc/security/keytabs/HOST,
  which only these two hosts can read. A host waits for its keys before it does anything else.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from yarnhub.minihadoop import kerberos, readiness
from yarnhub.minihadoop.artifacts import distribution
from yarnhub.minihadoop.commands import daemon_command, daemon_env
from yarnhub.minihadoop.errors import DaemonError, MiniHadoopError, SettingsError
from yarnhub.minihadoop.folders import make_folders
from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.secure_site import REALM, keytab, login_variables, service_principal
from yarnhub.minihadoop.settings import HUB_USER, ClusterSettings, Security
from yarnhub.minihadoop.state import ClusterState
from yarnhub.node_http import log_in_with

PORTS = Ports(9000, distributed=True)

#: The account of the daemons, which makes it the superuser of HDFS and YARN.
SUPERUSER = "hadoop"

#: Hosts without a daemon: that of the hub and its users, and the one that creates HDFS homes.
EDGE, HOMES = "edge", "homes"
KEYTABS = Path("/etc/security/keytabs")
KEYS_TIMEOUT_SECONDS = 120.0


def settings_from(environment: Mapping[str, str]) -> ClusterSettings:
    """Return the cluster that the environment describes. Raises SettingsError."""

    def number(name: str, default: int) -> int:
        text = environment.get(name) or str(default)
        if not text.isdecimal():
            raise SettingsError(f"{name} must be a number, not {text!r}.")
        return int(text)

    profiles = (environment.get("COMPOSE_PROFILES") or "").split(",")
    return ClusterSettings(
        users=tuple((environment.get("YARNHUB_USERS") or "alice bob").split()),
        datanodes=number("YARNHUB_DATANODES", 3),
        nodemanagers=number("YARNHUB_NODEMANAGERS", 2),
        memory_mb=number("YARNHUB_NODE_MEMORY_MB", 3072),
        security=Security() if "kerberos" in profiles else None,
        superuser=SUPERUSER,
    )


def daemon_of(host: str, settings: ClusterSettings) -> tuple[str, int]:
    """Return the kind and the index, from 0, of the daemon that a host is named after."""
    counts = {
        **({"kdc": 0} if settings.security else {}),
        "namenode": 0,
        "resourcemanager": 0,
        "datanode": settings.datanodes,
        "nodemanager": settings.nodemanagers,
    }
    match = re.fullmatch(r"([a-z]+)([1-9]\d*)?", host)
    kind, number = (match[1], int(match[2] or 0)) if match else (host, 0)
    if kind not in counts or not min(1, counts[kind]) <= number <= counts[kind]:
        raise SettingsError(f"The host name {host!r} matches no daemon of this cluster.")
    return kind, max(number - 1, 0)


def principals(settings: ClusterSettings) -> dict[str, dict[str, str]]:
    """Return the principals of each host, by the names of the host and of the keytab."""
    services = {
        "namenode": ("nn", "HTTP"),
        "resourcemanager": ("rm",),
        **{f"datanode{i + 1}": ("dn",) for i in range(settings.datanodes)},
        **{f"nodemanager{i + 1}": ("nm",) for i in range(settings.nodemanagers)},
        EDGE: (HUB_USER,),
    }
    accounts = {EDGE: settings.users, HOMES: (SUPERUSER,)}
    return {
        host: {
            **{name: service_principal(name, host) for name in services.get(host, ())},
            **{name: f"{name}@{REALM}" for name in accounts.get(host, ())},
        }
        for host in {**services, **accounts}
    }


def identity(name: str) -> dict[str, str]:
    """Return the variables that make a client on this host act as the hub or a user."""
    return {"HADOOP_USER_NAME": name, **login_variables(Path.home(), name)}


def is_ready(kind: str, index: int) -> bool:
    """Return whether a daemon is ready, by its own status and that of its master."""
    if kind == "kdc":
        return kerberos.kdc_ready(PORTS)
    if kind == "namenode":
        return readiness.namenode_ready(PORTS)
    if kind == "resourcemanager":
        return readiness.resourcemanager_ready(PORTS)
    if kind == "datanode":
        return readiness.datanode_ready(PORTS, index)
    return readiness.nodemanager_ready(PORTS, index, since_ms=0)


def main(arguments: list[str]) -> int:
    """Run one of the commands at the top of this file.

    Returns the exit code, if the process is not replaced by a daemon or a command. Raises a
    MiniHadoopError, or FileNotFoundError for a command that does not exist.
    """
    settings, host = settings_from(os.environ), socket.gethostname()
    if arguments == ["ready"]:
        if settings.security:
            _log_in(settings, host)
        return 0 if is_ready(*daemon_of(host, settings)) else 1
    state = ClusterState(Path.home(), settings, PORTS, distribution())
    state.write_files()
    if arguments == ["daemon"] and daemon_of(host, settings)[0] == "kdc":
        _become_kdc(state)
    if settings.security:
        _take_keys(state, host)
    if arguments == ["daemon"]:
        _become_daemon(state, host)
    if arguments == ["folders"]:
        if settings.security:
            _log_in(settings, host)
        make_folders(PORTS.namenode_url(), settings.users, SUPERUSER)
        return 0
    return os.execvpe(arguments[0], arguments, {**os.environ, **state.env()})


def _log_in(settings: ClusterSettings, host: str) -> None:
    """Authenticate this process's requests to daemons' pages with the first key of this host."""
    from yarnhub.minihadoop.negotiate import Negotiate

    keys = principals(settings).get(host)
    if keys:
        os.environ.update(kerberos.variables(Path.home()))
        os.environ.update(login_variables(Path.home(), next(iter(keys))))
        log_in_with(Negotiate())


def _become_kdc(state: ClusterState) -> NoReturn:
    keytabs = {
        KEYTABS / host / f"{name}.keytab": principal
        for host, keys in principals(state.settings).items()
        for name, principal in keys.items()
    }
    kerberos.make_realm(state.folder, keytabs)
    for file in keytabs:
        file.chmod(0o440)  # Its group is the one of the host's account.
    command = kerberos.kdc_command()
    os.execve(command[0], command, kerberos.kdc_env(state.folder))


def _take_keys(state: ClusterState, host: str) -> None:
    """Wait for the KDC, and copy the keys of this host to files that only its account can read."""
    shared = [
        KEYTABS / host / f"{name}.keytab" for name in principals(state.settings).get(host, ())
    ]
    deadline = time.monotonic() + KEYS_TIMEOUT_SECONDS
    while not (all(file.exists() for file in shared) and kerberos.kdc_ready(PORTS)):
        if time.monotonic() > deadline:
            raise DaemonError("The KDC made no keys for this host: see the log of the host kdc.")
        time.sleep(0.2)
    for file in shared:
        own = keytab(state.folder, file.stem)
        new = own.with_suffix(f".{os.getpid()}")  # Another process may be reading the old one.
        new.touch(mode=0o600)
        new.write_bytes(file.read_bytes())
        new.chmod(0o400)
        new.replace(own)


def _become_daemon(state: ClusterState, host: str) -> NoReturn:
    kind, _ = daemon_of(host, state.settings)
    command, environment = daemon_command(state, kind, host), daemon_env(state)
    names = state.folder / "dfs" / "name"
    if kind == "namenode" and not names.exists():
        done = subprocess.run([*command, "-format", "-nonInteractive"], env=environment)
        if done.returncode:
            shutil.rmtree(names, ignore_errors=True)  # Never use a half-formatted one.
            raise DaemonError("HDFS could not be formatted: see the lines above.")
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:] or ["daemon"]))
    except MiniHadoopError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except FileNotFoundError as error:
        sys.stderr.write(f"{error.filename}: command not found\n")
        sys.exit(127)
