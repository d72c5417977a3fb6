"""Java and Hadoop's `yarn` command, which the skein launcher needs and nothing else does."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from yarnhub.check.findings import Finding, Verdict
from yarnhub.check.settings import HubSettings

GROUP = "java"
TIMEOUT_SECONDS = 30.0


def check_java(settings: HubSettings) -> list[Finding]:
    """Look for what c.YarnSpawner.launcher needs of this machine."""
    if settings.launcher != "skein":
        why = "The launcher is the direct one, which needs neither Java nor Hadoop's commands here."
        return [Finding(GROUP, Verdict.SKIPPED, why)]
    return [_java(), _yarn()]


def _java() -> Finding:
    home = os.environ.get("JAVA_HOME")
    program = shutil.which("java", path=str(Path(home, "bin")) if home else None)
    if program is None:
        where = f"in JAVA_HOME, {home}" if home else "in PATH, and JAVA_HOME is not set"
        remedy = "Install a Java that Hadoop runs on, or set c.YarnSpawner.launcher to direct."
        return Finding(GROUP, Verdict.FAILED, f"There is no java {where}.", remedy)
    return _ran([program, "-version"], f"{program} runs.", "Install another Java.")


def _yarn() -> Finding:
    program = shutil.which("yarn")
    if program is None:
        remedy = (
            "Put the bin folder of a Hadoop client into PATH: skein asks it for the class path."
        )
        return Finding(GROUP, Verdict.FAILED, "There is no yarn command in PATH.", remedy)
    remedy = "Mend the Hadoop client: skein asks it for the class path."
    return _ran([program, "classpath", "--glob"], f"{program} tells the class path.", remedy)


def _ran(command: list[str], well: str, remedy: str) -> Finding:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(GROUP, Verdict.FAILED, f"{' '.join(command)} does not run: {error}.", remedy)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        why = f"{' '.join(command)} ended with {done.returncode}, and said: {said}"
        return Finding(GROUP, Verdict.FAILED, why, remedy)
    return Finding(GROUP, Verdict.OK, well)
