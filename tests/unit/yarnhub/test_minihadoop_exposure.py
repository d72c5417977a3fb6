"""Who can run programs through an embedded Hadoop, and what its commands do about that."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yarnhub.cli import app
from yarnhub.minihadoop.errors import RootError
from yarnhub.minihadoop.exposure import require_not_root, risk

SCRIPTS = Path(__file__).parents[3] / "scripts"

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


def run_script(tree: Path, uid: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run scripts/demo as this account. It prints a line for what it would install and start."""
    (tree / "scripts").mkdir()
    shutil.copy(SCRIPTS / "demo", tree / "scripts")
    library = (
        f". {shlex.quote(str(SCRIPTS))}/lib.sh\n"
        f"id() {{ echo {uid}; }}\n"
        "need_programs() { echo installs; }\n"
        "make_venv() { :; }\n"
        "make_proxy() { :; }\n"
    )
    (tree / "scripts" / "lib.sh").write_text(library)
    python = tree / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$*"\n')
    python.chmod(0o755)
    return subprocess.run(
        ["bash", tree / "scripts" / "demo", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_the_script_installs_nothing_as_root(tmp_path: Path, arguments: list[str]):
    done = run_script(tmp_path, 0, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "could run programs as root" in done.stderr
    assert "scripts/demo --allow-root" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("uid", "arguments"), [(0, ["--allow-root", "--check"]), (1000, [])])
def test_the_script_passes_the_decision_to_the_demo(tmp_path: Path, uid: int, arguments: list[str]):
    done = run_script(tmp_path, uid, *arguments)
    assert done.stdout.splitlines() == ["installs", " ".join(["-m yarnhub demo", *arguments])]
