"""Java and Hadoop's `yarn` command, which only the skein launcher needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from yarnhub.check.results import CheckResult, Verdict
from yarnhub.check.settings import HubSettings

GROUP = "java"
TIMEOUT_SECONDS = 30.0


def check_java(settings: HubSettings) -> list[CheckResult]:
    """Check the programs that c.YarnSpawner.launcher needs on this machine."""
    if settings.launcher != "skein":
        why = "Not needed: the direct launcher uses neither Java nor Hadoop's commands."
        return [CheckResult(GROUP, Verdict.SKIPPED, why)]
    return [_java(), _yarn()]


def _java() -> CheckResult:
    home = os.environ.get("JAVA_HOME")
    program = shutil.which("java", path=str(Path(home, "bin")) if home else None)
    if program is None:
        where = f"in JAVA_HOME, {home}" if home else "in PATH, and JAVA_HOME is not set"
        remedy = "Install a Java that Hadoop runs on, or set c.YarnSpawner.launcher to direct."
        return CheckResult(GROUP, Verdict.FAILED, f"There is no java {where}.", remedy)
    return _run(program, ["-version"], f"{program} runs.", "Install another Java.")


def _yarn() -> CheckResult:
    program = shutil.which("yarn")
    if program is None:
        remedy = "Add the bin directory of a Hadoop client to PATH: skein gets its class path."
        return CheckResult(GROUP, Verdict.FAILED, "There is no yarn command in PATH.", remedy)
    remedy = "Fix the Hadoop client: skein gets its class path."
    return _run(program, ["classpath", "--glob"], f"{program} prints the class path.", remedy)


def _run(program: str, arguments: list[str], success: str, remedy: str) -> CheckResult:
    command = " ".join([program, *arguments])
    try:
        done = subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return CheckResult(GROUP, Verdict.FAILED, f"{command} does not run: {error}.", remedy)
    if done.returncode:
        output = (done.stderr.strip().splitlines() or ["(no output)"])[-1]
        why = f"{command} failed with exit code {done.returncode}: {output}"
        return CheckResult(GROUP, Verdict.FAILED, why, remedy)
    return CheckResult(GROUP, Verdict.OK, success)
