"""The cluster's own Kerberos realm: MIT's KDC in the state directory, without any system file.

krb5/krb5.conf       configuration of clients and daemons
krb5/kdc.conf        configuration of the KDC
krb5/keytabs/NAME    a keytab for each daemon's principal, the hub's and each user's
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from yarnhub.minihadoop.errors import DaemonError, MissingToolError
from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.secure_site import REALM

_KRB5 = """\
[libdefaults]
default_realm = {realm}
dns_lookup_realm = false
dns_lookup_kdc = false
rdns = false
# TCP fails immediately if the KDC is down.
udp_preference_limit = 1
[realms]
{realm} = {{
  kdc = {host}:{port}
}}
"""
_KDC = """\
[kdcdefaults]
kdc_listen = {host}:{port}
kdc_tcp_listen = {host}:{port}
[realms]
{realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  max_life = 10h
  max_renewable_life = 7d
}}
[logging]
kdc = STDERR
"""


def variables(state: Path) -> dict[str, str]:
    """Return the variables that make clients use the realm, without choosing a principal."""
    file = state / "krb5" / "krb5.conf"
    return {"KRB5_CONFIG": str(file), "HADOOP_OPTS": f"-Djava.security.krb5.conf={file}"}


def kdc_command() -> list[str]:
    """Return the command that runs the KDC in the foreground."""
    return [_program("krb5kdc"), "-n"]


def kdc_env(state: Path) -> dict[str, str]:
    """Return the environment of the KDC and its tools."""
    folder = state / "krb5"
    return {
        "PATH": os.defpath,
        "KRB5_CONFIG": str(folder / "krb5.conf"),
        "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
    }


def kdc_ready(ports: Ports) -> bool:
    """Return whether the KDC accepts connections."""
    try:
        socket.create_connection((ports.kdc_host, ports.kdc), 1).close()
    except OSError:
        return False
    return True


def write_files(state: Path, ports: Ports) -> None:
    """Write the configuration of clients, daemons and the KDC, and make the keytabs' directory."""
    folder = state / "krb5"
    values = {"realm": REALM, "host": ports.kdc_host, "port": ports.kdc, "folder": folder}
    (folder / "keytabs").mkdir(exist_ok=True, mode=0o700)
    (folder / "krb5.conf").write_text(_KRB5.format(**values))
    (folder / "kdc.conf").write_text(_KDC.format(**values))


def make_realm(state: Path, keytabs: Mapping[Path, str]) -> None:
    """Make the realm and a keytab for each of these principals, unless they exist.

    A new realm has new keys, so keytabs of an earlier realm are replaced.
    """
    if not (state / "krb5" / "stash").exists():
        for file in keytabs:
            file.unlink(missing_ok=True)
        # Only the stash file needs it.
        password = secrets.token_hex(16)
        _run(state, "kdb5_util", "-r", REALM, "-P", password, "create", "-s")
    missing = {file: principal for file, principal in keytabs.items() if not file.exists()}
    lines = [
        line
        for file, principal in missing.items()
        for line in (f"addprinc -randkey {principal}", f"ktadd -k {file} {principal}")
    ]
    administer(state, *lines)
    for file, principal in missing.items():
        if not file.exists():
            raise DaemonError(f"The KDC's tools made no keytab for {principal}.")


def administer(state: Path, *commands: str) -> None:
    """Run commands of kadmin, whether or not the KDC runs."""
    _run(state, "kadmin.local", "-r", REALM, stdin="\n".join(commands))


def _run(state: Path, program: str, *arguments: str, stdin: str = "") -> None:
    done = subprocess.run(
        [_program(program), *arguments],
        env=kdc_env(state),
        input=stdin,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise DaemonError(f"{program} could not make the realm: {done.stderr.strip()[-300:]}")


def _program(name: str) -> str:
    # Debian has them in sbin, which is not in a user's PATH.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    program = shutil.which(name, path=path)
    if program is None:
        raise MissingToolError(
            f"There is no {name} on this machine, which a Hadoop with Kerberos needs. Install the "
            "KDC of MIT (Debian: apt install krb5-kdc krb5-admin-server)."
        )
    return program
