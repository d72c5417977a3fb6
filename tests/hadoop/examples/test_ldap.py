"""The log-in by LDAP in examples/, against slapd: in a real hub, and its other settings."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ldap3.core.exceptions import LDAPException
from ldapauthenticator import LDAPAuthenticator
from traitlets.config import Config

from tests.hadoop.examples.test_examples import EXAMPLES, beside_the_tests
from yarnhub.demo.browser import Browser, UnexpectedPageError
from yarnhub.minihadoop.ports import held_ports

SLAPD_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {folder}/server.crt
TLSCertificateKeyFile {folder}/server.key
# A password that is not encrypted is refused, after it was sent.
security simple_bind=128
database mdb
suffix dc=example,dc=com
directory {folder}/data
"""
ENTRIES = """
dn: dc=example,dc=com
objectClass: domain

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit

dn: ou=services,dc=example,dc=com
objectClass: organizationalUnit

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit

dn: cn=hub,ou=services,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
userPassword: for the hub

dn: cn=notebook-users,ou=groups,dc=example,dc=com
objectClass: groupOfNames
member: uid=alice,ou=people,dc=example,dc=com
"""
PERSON = """
dn: uid={name},ou=people,dc=example,dc=com
objectClass: inetOrgPerson
cn: {name}
sn: {name}
userPassword: for {name}
"""


@dataclass(frozen=True)
class Directory:
    """A running slapd; `ca` is the file of its certificate."""

    port: int
    ca: Path

    def configuration(self, **changes: str) -> str:
        """The example for this directory, with some more texts of it changed."""
        text = (EXAMPLES / "ldap.py").read_text()
        for old, new in {
            '"ldap.example.com"': f'"localhost"\nc.LDAPAuthenticator.server_port = {self.port}',
            "/etc/ssl/certs/ca-certificates.crt": str(self.ca),
            **changes,
        }.items():
            assert old in text
            text = text.replace(old, new)
        return text


def make_certificate(folder: Path, name: str) -> Path:
    """A certificate of localhost that is its own CA; returns its file."""
    certificate = folder / f"{name}.crt"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", folder / f"{name}.key", "-out", certificate),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    return certificate


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory, wait_until: Any) -> Iterator[Directory]:
    """slapd with alice, who is in the group, and mallory, who is not."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    slapd, slapadd = (shutil.which(name, path=path) for name in ("slapd", "slapadd"))
    if slapd is None or slapadd is None:
        pytest.skip("there is no LDAP server here (Debian: apt install slapd)")
    folder = tmp_path_factory.mktemp("slapd")
    (folder / "data").mkdir()
    config = folder / "slapd.conf"
    config.write_text(SLAPD_CONF.format(folder=folder))
    certificate = make_certificate(folder, "server")
    entries = ENTRIES + "".join(PERSON.format(name=name) for name in ("alice", "mallory"))
    subprocess.run([slapadd, "-f", config], input=entries, text=True, check=True)
    with held_ports(1) as (port,):
        url = f"ldap://127.0.0.1:{port}"
        process = subprocess.Popen([slapd, "-d", "0", "-f", config, "-h", url])

        def accepts() -> bool:
            assert process.poll() is None, f"slapd ended with {process.returncode}"
            with socket.socket() as connection:
                return connection.connect_ex(("127.0.0.1", port)) == 0

        try:
            wait_until(accepts, 10, "slapd accepts connections")
            yield Directory(port, certificate)
        finally:
            process.terminate()
            process.wait(60)


def authenticator(configuration: str) -> LDAPAuthenticator:
    config = Config()
    exec(configuration, {"get_config": lambda: config})
    return LDAPAuthenticator(config=config)


async def log_in(configuration: str, name: str, password: str) -> str | None:
    """Log in as the hub does; returns the user's name, or nothing if they are refused."""
    form = {"username": name, "password": password}
    user = await authenticator(configuration).get_authenticated_user(None, form)
    return None if user is None else str(user["name"])


async def test_who_has_a_password_in_the_directory_starts_a_server_under_that_name(
    make_hub: Callable[[str], Any], directory: Directory
):
    as_by_default = "c.Authenticator.allow_all = False\n"
    hub = make_hub(as_by_default + beside_the_tests(directory.configuration()))
    async with Browser(hub.url, "alice") as browser:
        with pytest.raises(UnexpectedPageError, match="refused"):
            await browser.log_in("guessed")
        await browser.log_in("for alice")
        events = [message async for message in browser.start_server()]
    assert events
    assert hub.environment_of("alice")["HADOOP_USER_NAME"] == "alice"
    async with Browser(hub.url, "mallory") as browser:
        with pytest.raises(UnexpectedPageError, match="refused"):
            await browser.log_in("for mallory")


@pytest.mark.parametrize(
    ("name", "password", "logged_in"),
    [
        ("alice", "for alice", "alice"),
        ("Alice", "for alice", None),
        ("alice", "", None),
        ("alice", "for mallory", None),
        ("mallory", "for mallory", None),
        ("nobody", "for nobody", None),
        ("*", "for alice", None),
        ("alice,ou=people", "for alice", None),
    ],
)
@pytest.mark.parametrize("search", [False, True], ids=["template", "search"])
async def test_who_gets_in(
    search: bool,
    name: str,
    password: str,
    logged_in: str | None,
    directory: Directory,
    tmp_path: Path,
):
    configuration = directory.configuration()
    if search:
        (tmp_path / "ldap.secret").write_text("for the hub\n")
        template = "c.LDAPAuthenticator.bind_dn_template"
        configuration = directory.configuration(
            **{"# c.": "c.", template: f"# {template}", "sAMAccountName": "uid"},
            **{"/etc/jupyterhub": str(tmp_path)},
        )
    assert await log_in(configuration, name, password) == logged_in


async def test_no_password_goes_to_a_server_with_a_certificate_of_another_ca(
    directory: Directory, tmp_path: Path
):
    other = make_certificate(tmp_path, "other")
    configuration = directory.configuration(**{str(directory.ca): str(other)})
    with pytest.raises(LDAPException, match="certificate verify failed"):
        await log_in(configuration, "alice", "for alice")
