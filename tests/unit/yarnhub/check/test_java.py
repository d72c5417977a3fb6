"""The check of the programs that the skein launcher needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.env_packaging.prefixes import write
from yarnhub.check.java import check_java
from yarnhub.check.results import CheckResult, Verdict
from yarnhub.check.settings import HubSettings


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`results(**programs)`: the results on a machine with these programs only."""

    def look(**programs: str) -> list[CheckResult]:
        for name, script in programs.items():
            write(tmp_path / "bin" / name, f"#!/bin/sh\n{script}\n", 0o755)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        monkeypatch.delenv("JAVA_HOME", raising=False)
        return check_java(HubSettings(launcher="skein"))

    return look


def test_both_programs_exist(results):
    assert {result.verdict for result in results(java="", yarn="")} == {Verdict.OK}


def test_neither_program_exists(results):
    java, yarn = results()
    assert (java.verdict, yarn.verdict) == (Verdict.FAILED, Verdict.FAILED)
    assert java.why == "There is no java in PATH, and JAVA_HOME is not set."
    assert yarn.why == "There is no yarn command in PATH."


def test_the_output_of_a_failing_program_is_quoted(results):
    _, yarn = results(java="", yarn="echo 'no class path here' >&2; exit 3")
    assert yarn.why.endswith("failed with exit code 3: no class path here")


def test_java_home_counts_before_the_path(results, tmp_path, monkeypatch):
    results(java="", yarn="")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "elsewhere"))
    java, _ = check_java(HubSettings(launcher="skein"))
    assert java.why == f"There is no java in JAVA_HOME, {tmp_path}/elsewhere."


def test_the_direct_launcher_needs_neither():
    (result,) = check_java(HubSettings())
    assert result.verdict is Verdict.SKIPPED
