"""Log-ins by a ticket (SPNEGO), each example in a real hub, by curl with a ticket of the realm."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.hadoop.examples.test_examples import EXAMPLES, example
from tests.hadoop.examples.test_log_ins import answers
from tests.hadoop.hub import Hub, running_hub
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.kerberos import kdc_env
from yarnhub.minihadoop.ports import held_ports
from yarnhub.minihadoop.secure_site import REALM
from yarnhub.minihadoop.settings import HUB_USER

# Each request of the package's own handler took one of Python's thousand frames.
MANY = 1000
HOST = "hub.example.com"
SERVICE = f"HTTP/{HOST}@{REALM}"
SECRET = secrets.token_hex(16)
AS_BY_DEFAULT = "c.Authenticator.allow_all = False\n"
ONLY_ALICE = {'{"alice", "bob"}': '{"alice"}'}
APACHE = """
ServerRoot {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
Listen 127.0.0.1:{port}
{modules}
"""
APACHE_MODULES = Path("/usr/lib/apache2/modules")
MODULES = (
    *("mpm_event", "authn_core", "authz_core", "authz_user", "auth_gssapi"),
    *("headers", "proxy", "proxy_http", "proxy_wstunnel"),
)


@pytest.fixture(scope="module")
def realm(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a keytab of the hub's name, and what has browsers ask no DNS for it."""
    folder = tmp_path_factory.mktemp("realm")
    program = shutil.which("kadmin.local", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program
    subprocess.run(
        [program, "-r", REALM],
        input=f"addprinc -randkey {SERVICE}\nktadd -k {folder}/http.keytab {SERVICE}\n",
        env=kdc_env(hadoop.state.folder),
        text=True,
        check=True,
    )
    text = Path(hadoop.env()["KRB5_CONFIG"]).read_text()
    text = text.replace("[libdefaults]", "[libdefaults]\ndns_canonicalize_hostname = false")
    (folder / "krb5.conf").write_text(text)
    return folder


class Curl:
    """A browser with the ticket of one person, or of nobody."""

    def __init__(self, port: int, folder: Path, login: tuple[str, Path] | None) -> None:
        principal, keytab = login or ("nobody", None)
        name = principal.partition("/")[0]
        ticket, jar = f"{folder}/ticket-{name}", f"{folder}/cookies-{name}"
        self._env = {**os.environ, "KRB5_CONFIG": f"{folder}/krb5.conf", "KRB5CCNAME": ticket}
        self._options = ["--connect-to", f"::127.0.0.1:{port}", "--noproxy", "*"]
        self._options += ["--negotiate", "--user", ":", "--cookie", jar, "--cookie-jar", jar]
        if login:
            kinit = ["kinit", "-k", "-t", str(keytab), principal]
            subprocess.run(kinit, env=self._env, check=True)

    def get(self, path: str, *options: str, host: str = HOST) -> tuple[int, str]:
        """Get a page, wherever it leads; returns the status and the text."""
        done = subprocess.run(
            [
                "curl",
                "-sSL",
                "-w",
                "\n%{http_code}",
                *self._options,
                *options,
                f"http://{host}{path}",
            ],
            env=self._env,
            capture_output=True,
            text=True,
            check=True,
        )
        text, _, status = done.stdout.rpartition("\n")
        return int(status), text


@pytest.fixture
def person(hadoop: MiniHadoop, realm: Path) -> Iterator[Callable[..., Curl]]:
    """`person(url, name)`: somebody with a ticket of theirs, and a browser."""

    def make(url: str, name: str | None) -> Curl:
        return Curl(urlsplit(url).port or 0, realm, hadoop.login(name) if name else None)

    yield make
    for file in [*realm.glob("ticket-*"), *realm.glob("cookies-*")]:
        file.unlink()


@pytest.fixture(scope="module")
def ticket_hub(
    keytab_config: str,
    hadoop: MiniHadoop,
    realm: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Hub]:
    """A hub that looks at tickets itself, without TLS."""
    config = example(
        "kerberos_login.py",
        **{
            "/etc/jupyterhub/http.keytab": f"{realm}/http.keytab",
            "/etc/security/keytabs/hub.keytab": str(hadoop.login(HUB_USER)[1]),
            '"/etc/pki/hub.crt"': '""',
            '"/etc/pki/hub.key"': '""',
            f"https://{HOST}": f"http://{HOST}",
            **ONLY_ALICE,
        },
    )
    folder = tmp_path_factory.mktemp("ticket")
    with running_hub(folder, hadoop.env(), keytab_config + AS_BY_DEFAULT + config) as hub:
        yield hub


@pytest.fixture(scope="module")
def remote_hub(
    keytab_config: str, hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    """A hub that takes a web server's word."""
    folder = tmp_path_factory.mktemp("remote")
    (folder / "remote_user.secret").write_text(f"{SECRET}\n")
    config = example("remote_user.py", **{"/etc/jupyterhub": str(folder), **ONLY_ALICE})
    with running_hub(folder, hadoop.env(), keytab_config + AS_BY_DEFAULT + config) as hub:
        yield hub


@pytest.fixture(scope="module")
def apache(
    remote_hub: Hub, realm: Path, tmp_path_factory: pytest.TempPathFactory, wait_until: Any
) -> Iterator[str]:
    """Apache with the example's configuration, without TLS; yields its address."""
    program = shutil.which("apache2", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None or not (APACHE_MODULES / "mod_auth_gssapi.so").exists():
        pytest.skip("there is no Apache here (Debian: libapache2-mod-auth-gssapi)")
    tmp_path = tmp_path_factory.mktemp("apache")
    ports = ExitStack()
    (port,) = ports.enter_context(held_ports(1))
    text = (EXAMPLES / "kerberos.apache.conf").read_text()
    text = "\n".join(line for line in text.splitlines() if "SSL" not in line)
    for old, new in (
        ("*:443", f"127.0.0.1:{port}"),
        ("http://127.0.0.1:8000", remote_hub.url),
        ("/etc/apache2/http.keytab", f"{realm}/http.keytab"),
        ("SECRET", SECRET),
    ):
        assert old in text
        text = text.replace(old, new)
    modules = "\n".join(
        f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so" for name in MODULES
    )
    config = tmp_path / "apache.conf"
    config.write_text(APACHE.format(folder=tmp_path, port=port, modules=modules) + text)
    process = subprocess.Popen(
        [program, "-X", "-f", config],
        env={**os.environ, "KRB5_CONFIG": f"{realm}/krb5.conf"},
        start_new_session=True,  # it ends its group
    )
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60
        ) as client:
            wait_until(lambda: process.poll() is not None or answers(client), 30, "Apache")
            assert process.poll() is None, (tmp_path / "apache.log").read_text()
            yield str(client.base_url).rstrip("/")
    finally:
        process.terminate()
        process.wait(60)
        ports.close()


LOG_INS = [("ticket_hub", "/hub/kerberos_login"), ("apache", "/hub/remote_login")]


@pytest.fixture(params=LOG_INS, ids=["hub", "apache"])
def log_in(request: pytest.FixtureRequest) -> tuple[Hub, str, str]:
    """A hub, the address at which browsers reach it, and the page at which they show a ticket."""
    fixture, page = request.param
    found = request.getfixturevalue(fixture)
    hub = found if isinstance(found, Hub) else request.getfixturevalue("remote_hub")
    return hub, hub.url if found is hub else found, page


def test_who_has_a_ticket_is_logged_in_at_the_hub(
    log_in: tuple[Hub, str, str], person: Callable[..., Curl]
):
    _, url, _ = log_in
    alice = person(url, "alice")
    status, text = alice.get("/hub/home")  # the way there leads by the log-in
    assert status == 200, text
    status, text = alice.get("/hub/api/user")
    assert (status, json.loads(text)["name"]) == (200, "alice")


def test_who_has_no_ticket_or_is_not_allowed_is_not_logged_in(
    log_in: tuple[Hub, str, str], person: Callable[..., Curl]
):
    _, url, page = log_in
    nobody = person(url, None)
    assert nobody.get(page)[0] == 401
    for claim in ("Negotiate bm90IGEgdGlja2V0", "Negotiate %%%", "Basic YWxpY2U6YW55"):
        assert nobody.get(page, "--header", f"Authorization: {claim}")[0] in (401, 403)
    assert nobody.get(page, "--header", "X-Remote-User: alice")[0] == 401
    for other in ("bob", HUB_USER):
        assert person(url, other).get(page)[0] in (401, 403)
    assert nobody.get("/hub/api/user")[0] == 403


def test_the_hub_has_its_pages_after_any_number_of_log_ins(
    ticket_hub: Hub, person: Callable[..., Curl]
):
    with httpx.Client(
        base_url=ticket_hub.url, headers={"Host": HOST}, trust_env=False, timeout=60
    ) as http:
        assert {http.get("/hub/kerberos_login").status_code for _ in range(MANY)} == {401}
    assert person(ticket_hub.url, "alice").get("/hub/home")[0] == 200


def test_a_server_has_a_name_of_its_own_for_which_browsers_have_no_tickets(
    ticket_hub: Hub, person: Callable[..., Curl]
):
    ticket_hub.start_server("alice")
    alice = person(ticket_hub.url, "alice")
    # It leads to the server's own host name, which the realm does not know.
    status, text = alice.get("/user/alice/ask")
    assert (status, json.loads(text)) == (401, {"got": ""})


def test_behind_apache_no_server_gets_a_ticket_or_asks_for_one(
    remote_hub: Hub, apache: str, person: Callable[..., Curl]
):
    remote_hub.start_server("alice")
    alice = person(apache, "alice")
    assert json.loads(alice.get("/user/alice/ask")[1]) == {"got": ""}
    with httpx.Client(base_url=apache, trust_env=False, timeout=60) as http:
        assert "www-authenticate" not in http.get("/user/alice/ask").headers
        token = {"Authorization": "token of-an-api"}
        assert http.get("/user/alice/ask", headers=token).json() == {"got": "token of-an-api"}
    seen = json.loads(alice.get("/user/alice/environment", "--header", "X-Remote-User: bob")[1])
    assert seen["environment"]["HADOOP_USER_NAME"] == "alice"
    headers = {name.lower() for name in seen["headers"]}
    assert "host" in headers
    assert not headers & {"x-remote-user", "x-remote-secret"}
