"""How `yarnhub check` prints a result."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from yarnhub.check.cli import show
from yarnhub.check.results import CheckResult, Verdict
from yarnhub.cli import app


def test_the_reason_of_a_result_does_not_act_on_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    show(CheckResult("callback", Verdict.FAILED, "It ended:\x1b[2K\r ok", "See\x9b1A\nbelow."))
    shown = capsys.readouterr().out
    assert r"It ended:\x1b[2K\r ok" in shown
    assert r"See\x9b1A" in shown
    assert not {"\x1b", "\r", "\x9b"} & set(shown)


def test_a_missing_configuration_is_reported_once(monkeypatch, tmp_path):
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    done = CliRunner().invoke(app, ["check", "--json"])
    assert done.exit_code == 1
    (result,) = json.loads(done.stdout)
    assert result["verdict"] == "failed"
    assert f"{tmp_path} has no core-site.xml" in result["why"]
