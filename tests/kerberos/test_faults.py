"""What people are told, and what goes on, when something of Kerberos fails."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hadoop_client.security.credentials import Credentials, CredentialsError
from tests.hadoop.hub import Hub
from tests.kerberos.test_rpc import run
from tests.kerberos.test_servers import NOTEBOOKS, browser_of, load, save, token_file
from yarnhub.minihadoop import MiniHadoop, kerberos
from yarnhub.minihadoop.settings import HUB_USER

TICKET_SECONDS = 15
NOBODY = {"KRB5_CLIENT_KTNAME": "/nowhere"}
LIST = """
from hadoop_client.hdfs.filesystem import open_filesystem
try:
    open_filesystem().list_dir("/")
except OSError as error:
    print(error.strerror)
"""
TORN = (
    "HDFS authentication failed: the token file is damaged and will be replaced\n",
    "HDFS authentication failed: no valid Kerberos ticket or delegation token\n",
)
NO_LOGIN = "Authentication to "
SILENCE = {
    "stopped": "Cannot contact any KDC for realm 'YARNHUB.TEST'",
    "hangs": "the KDC did not answer within 8 s",
}


@contextmanager
def kdc_away(hadoop: MiniHadoop, how: str) -> Iterator[None]:
    kdc = hadoop.kdc
    assert kdc is not None
    if how == "hangs":
        kdc.suspend()
        try:
            yield
        finally:
            kdc.resume()
    else:
        kdc.stop()
        try:
            yield
        finally:
            kdc.start()
            kdc.wait_ready()


@pytest.fixture
def short_tickets(hadoop: MiniHadoop) -> Iterator[Callable[[], bool]]:
    """The hub's tickets live for seconds: returns what tells whether the last one has ended."""
    principal, _ = hadoop.login(HUB_USER)
    folder = hadoop.state.folder
    kerberos.administer(folder, f'modprinc -maxlife "{TICKET_SECONDS} seconds" {principal}')
    yield lambda: time.time() > _last_ticket(hadoop) + TICKET_SECONDS + 1
    kerberos.administer(folder, f'modprinc -maxlife "10 hours" {principal}')


def _last_ticket(hadoop: MiniHadoop) -> float:
    """Return when the hub was last given a ticket, by the KDC's log."""
    return max(float(line.split("authtime ")[1].split(",")[0]) for line in logins(hadoop))


def logins(hadoop: MiniHadoop) -> list[str]:
    """Return the lines of the KDC's log of how the hub logged in."""
    wanted = (f"{HUB_USER}/", "AS_REQ", "ISSUE")
    lines = hadoop.logs["kdc"].read_text().splitlines()
    return [line for line in lines if all(word in line for word in wanted)]


@pytest.mark.parametrize("how", [pytest.param("stopped", marks=pytest.mark.heavy), "hangs"])
def test_without_a_kdc_people_are_told_servers_go_on_and_no_restart_is_needed(
    make_secure_hub: Callable[..., Hub],
    hadoop: MiniHadoop,
    wait_until: Callable[..., object],
    how: str,
):
    hub = make_secure_hub()
    hub.start_server("alice")
    hub.stop_process()  # the next one has no ticket
    with kdc_away(hadoop, how):
        hub.start()
        message = hub.refuse_server("bob")
        assert NO_LOGIN in message
        assert SILENCE[how] in message
        assert "does not answer:" not in message
        assert hub.get("/user/alice/environment").is_success
    pid = hub.pid
    wait_until(lambda: hub.request_server("bob")[-1].get("ready"), 90, "a start")
    assert hub.pid == pid
    assert hub.get("/user/alice/environment").is_success


@pytest.mark.parametrize("how", ["stopped", pytest.param("hangs", marks=pytest.mark.heavy)])
def test_the_check_says_that_the_kdc_is_away(hadoop: MiniHadoop, tmp_path: Path, how: str):
    _, keytab = hadoop.login(HUB_USER)
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(f"c.YarnSpawner.keytab = {str(keytab)!r}\n")
    groups = ("rm", "queues", "proxyuser", "hdfs", "homes", "clocks")
    with kdc_away(hadoop, how):
        by_ticket = run(hadoop, "-m", "yarnhub", "check", *groups, "--json")
        by_keytab = run(hadoop, "-m", "yarnhub", "check", "-f", str(config), *groups, "--json")
    for done in (by_ticket, by_keytab):
        assert done.returncode == 1, done.stderr
        findings = json.loads(done.stdout)
        assert {finding["group"] for finding in findings} == set(groups)
        for finding in findings:
            assert finding["verdict"] == "failed"
            assert SILENCE[how] in finding["why"]
            assert "the KDC" in finding["why"] + finding["remedy"]
            assert "kinit" not in finding["why"]


@pytest.mark.heavy  # The next test also starts a server after the end of the hub's ticket.
def test_a_hub_gets_a_new_ticket_when_its_own_has_ended(
    make_secure_hub: Callable[..., Hub],
    hadoop: MiniHadoop,
    short_tickets: Callable[[], bool],
    wait_until: Callable[..., object],
):
    hub = make_secure_hub()
    hub.start_server("alice")
    before = len(logins(hadoop))
    wait_until(short_tickets, 60, "the end of the hub's ticket")
    hub.start_server("bob")
    assert len(logins(hadoop)) > before


@pytest.mark.heavy
def test_a_hub_whose_key_was_changed_names_the_keytab_and_takes_the_new_one_by_itself(
    make_secure_hub: Callable[..., Hub],
    hadoop: MiniHadoop,
    short_tickets: Callable[[], bool],
    wait_until: Callable[..., object],
    tmp_path: Path,
):
    principal, shared = hadoop.login(HUB_USER)
    own = tmp_path / "hub.keytab"
    shutil.copy(shared, own)
    hub = make_secure_hub(f"c.YarnSpawner.keytab = {str(own)!r}\n")
    hub.start_server("alice")
    export_new_key(hadoop, principal, shared)
    wait_until(short_tickets, 60, "the end of the hub's ticket")
    message = hub.refuse_server("bob")
    assert NO_LOGIN in message
    sentence = f"the key in {own} no longer matches the KDC; export the keytab again"
    assert sentence in message
    checked = run(hadoop, "-m", "yarnhub", "check", "-f", str(hub.config), "rm", "--json")
    assert sentence in checked.stdout
    assert hub.get("/user/alice/environment").is_success

    shutil.copy(shared, beside := tmp_path / "new.keytab")
    beside.replace(own)
    wait_until(lambda: hub.request_server("bob")[-1].get("ready"), 60, "a start by the new key")


def export_new_key(hadoop: MiniHadoop, principal: str, keytab: Path) -> None:
    """Change a key in the KDC, and put the new one into the place of the old one."""
    new = keytab.with_suffix(".new")
    kerberos.administer(hadoop.state.folder, f"ktadd -k {new} {principal}")
    new.replace(keytab)


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [(None, "does not exist"), (0o644, "could act as the hub"), (0o400, "contains no key")],
    ids=["missing", "for-all", "empty"],
)
def test_the_check_says_what_is_wrong_with_a_keytab(
    hadoop: MiniHadoop, tmp_path: Path, mode: int | None, sentence: str
):
    keytab, config = tmp_path / "hub.keytab", tmp_path / "jupyterhub_config.py"
    config.write_text(f"c.YarnSpawner.keytab = {str(keytab)!r}\n")
    if mode is not None:
        keytab.touch(mode)
    done = run(hadoop, "-m", "yarnhub", "check", "-f", str(config), "keytab", "--json")
    (finding,) = json.loads(done.stdout)
    assert finding["verdict"] == "failed"
    assert sentence in finding["why"]


async def test_a_damaged_token_file_is_told_in_a_sentence_and_mended_by_the_next_renewal(
    make_secure_hub: Callable[..., Hub],
    hadoop: MiniHadoop,
    wait_until: Callable[..., object],
    tmp_path: Path,
):
    hub = make_secure_hub(f"{NOTEBOOKS}c.YarnSpawner.token_refresh_interval = 5\n")
    async with browser_of(hub, "alice") as browser:
        await save(browser, "whole")
        file = token_file(hadoop, hub.application_of("alice"))
        whole = file.read_bytes()
        for number, damage in enumerate((b"", whole[: len(whole) // 2], b"HDTS\0" + b"\xff" * 99)):
            file.write_bytes(damage)
            (copy := tmp_path / f"tokens{number}").write_bytes(damage)
            # The server has its connection, with which it goes on; this one has yet to log in.
            told = run(hadoop, "-c", LIST, HADOOP_TOKEN_FILE_LOCATION=str(copy), **NOBODY)
            assert told.stdout in TORN, told.stderr
            await save(browser, f"goes on {number}")
            wait_until(lambda: is_whole(file), 60, "new tokens")
        await save(browser, "mended")
        assert await load(browser) == "mended"


def is_whole(file: Path) -> bool:
    try:
        return bool(Credentials.from_bytes(file.read_bytes()).tokens)
    except CredentialsError:
        return False


@pytest.mark.skipif(not shutil.which("faketime"), reason="needs faketime")
@pytest.mark.parametrize("ahead", ["+10m", "-10m"])
def test_a_clock_that_is_wrong_is_made_up_for_by_the_kdcs_or_told(
    hadoop: MiniHadoop, tmp_path: Path, ahead: str
):
    check = ["faketime", "-f", ahead, sys.executable, "-m", "yarnhub", "check", "rm", "--json"]
    with_wrong_clock = ("-c", f"import os; os.execvp('faketime', {check!r})")
    strict = tmp_path / "krb5.conf"
    text = Path(hadoop.env()["KRB5_CONFIG"]).read_text()
    strict.write_text(text.replace("[libdefaults]", "[libdefaults]\nkdc_timesync = 0"))
    corrected = run(hadoop, *with_wrong_clock)
    assert corrected.returncode == 0, corrected.stdout + corrected.stderr
    told = run(hadoop, *with_wrong_clock, KRB5_CONFIG=str(strict))
    assert told.returncode == 1
    assert "Clock skew too great in KDC reply: run a time service (chrony)" in told.stdout
