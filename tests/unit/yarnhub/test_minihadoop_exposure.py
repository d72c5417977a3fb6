"""Who can run programs through an embedded Hadoop, and what its commands do about that."""

from __future__ import annotations

import os
import pwd

import pytest
from typer.testing import CliRunner

from yarnhub.cli import app
from yarnhub.minihadoop.errors import RootError
from yarnhub.minihadoop.exposure import require_not_root, risk

UP = ["minihadoop", "up"]
DEMO = ["demo", "--port", "1"]


class StartedError(Exception):
    """The command would start a Hadoop now."""


@pytest.fixture(autouse=True)
def no_hadoop(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object, **__: object) -> None:
        raise StartedError

    monkeypatch.setattr("yarnhub.minihadoop.cluster.MiniHadoop", start)
    monkeypatch.setattr("yarnhub.demo.demo.MiniHadoop", start)
    monkeypatch.setattr("yarnhub.demo.demo.check_port", lambda port: None)
    monkeypatch.setattr("yarnhub.demo.demo.find_proxy", lambda: None)


@pytest.mark.parametrize("command", [UP, DEMO], ids=["up", "demo"])
def test_a_hadoop_through_which_all_accounts_become_root_is_not_started(
    command: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, RootError)
    assert done.exception.exit_code == 5
    assert "could run programs as root" in str(done.exception)
    assert "--allow-root" in str(done.exception)


@pytest.mark.parametrize("command", [UP, DEMO], ids=["up", "demo"])
@pytest.mark.parametrize(("uid", "flags"), [(0, ["--allow-root"]), (65534, [])])
def test_the_risk_is_printed_before_the_start(
    command: list[str], uid: int, flags: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    done = CliRunner().invoke(app, [*command, *flags])
    assert isinstance(done.exception, StartedError)
    account = pwd.getpwuid(uid).pw_name
    assert f"Every account on this machine can run programs as {account} through this Hadoop." in (
        " ".join(done.stdout.split())
    )


def test_an_account_without_a_name_is_shown_by_its_number(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 987_654)
    assert "as the account 987654 through" in risk()


def test_other_accounts_need_no_option(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    require_not_root(allow_root=False)
