"""A Kerberos realm of the cluster's own: MIT's KDC in the state folder, no system file touched.

krb5/krb5.conf       what clients and daemons read
krb5/kdc.conf        what the KDC reads
krb5/keytabs/NAME    one for each daemon's principal, for the hub's and for each user's
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
# TCP: a KDC that is away is noticed at once.
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
    """Return what makes clients use the realm; which principal is theirs is left to them."""
    file = state / "krb5" / "krb5.conf"
    return {"KRB5_CONFIG": str(file), "HADOOP_OPTS": f"-Djava.security.krb5.conf={file}"}


def kdc_command() -> list[str]:
    """Return how the KDC is run in the foreground."""
    return [_program("krb5kdc"), "-n"]


def kdc_env(state: Path) -> dict[str, str]:
    """Return what makes the KDC and its tools work in the state folder."""
    folder = state / "krb5"
    return {
        "PATH": os.defpath,
        "KRB5_CONFIG": str(folder / "krb5.conf"),
        "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
    }


def kdc_ready(ports: Ports) -> bool:
    """Tell whether the KDC takes connections."""
    try:
        socket.create_connection((ports.kdc_host, ports.kdc), 1).close()
    except OSError:
        return False
    return True


def write_files(state: Path, ports: Ports) -> None:
    """Write what clients, daemons and the KDC read, and make the folder of the keytabs."""
    folder = state / "krb5"
    words = {"realm": REALM, "host": ports.kdc_host, "port": ports.kdc, "folder": folder}
    (folder / "keytabs").mkdir(exist_ok=True, mode=0o700)
    (folder / "krb5.conf").write_text(_KRB5.format(**words))
    (folder / "kdc.conf").write_text(_KDC.format(**words))


def make_realm(state: Path, keytabs: Mapping[Path, str]) -> None:
    """Make the realm, and a keytab of each of these principals, unless they are there from before.

    A new realm has new keys: keytabs of an earlier one are replaced.
    """
    if not (state / "krb5" / "stash").exists():
        for file in keytabs:
            file.unlink(missing_ok=True)
        # The stash knows it; nobody else ever has to.
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
    """Give kadmin's commands, with the KDC running or not."""
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
    # Where Debian has them, and no user's PATH.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        raise MissingToolError(
            f"There is no {name} on this machine, which a Hadoop with Kerberos needs; install MIT's"
            " KDC (Debian: apt install krb5-kdc krb5-admin-server)."
        )
    return found
