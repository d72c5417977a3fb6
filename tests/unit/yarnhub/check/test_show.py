"""How `yarnhub check` prints a result."""

from __future__ import annotations

from yarnhub.check.cli import show
from yarnhub.check.results import CheckResult, Verdict


def test_the_reason_of_a_result_does_not_act_on_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    show(CheckResult("callback", Verdict.FAILED, "It ended:\x1b[2K\r ok", "See\x9b1A\nbelow."))
    shown = capsys.readouterr().out
    assert r"It ended:\x1b[2K\r ok" in shown
    assert r"See\x9b1A" in shown
    assert not {"\x1b", "\r", "\x9b"} & set(shown)
