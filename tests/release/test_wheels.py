"""The table of docs/offline.md: which extras have wheels on which machines."""

from __future__ import annotations

import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "offline.md").read_text()
COLUMNS = {
    "x86_64, glibc 2.17": "x86_64-manylinux2014",
    "x86_64, glibc 2.28": "x86_64-manylinux_2_28",
    "aarch64, glibc 2.17": "aarch64-manylinux2014",
    "aarch64, glibc 2.28": "aarch64-manylinux_2_28",
}
ROWS = re.findall(r"^\| (\w+) \| ((?:yes|no)\b.*) \|$", PAGE, re.M)
CELLS = [
    pytest.param(extra, platform, cell, id=f"{extra}-{platform}")
    for extra, cells in ROWS
    for platform, cell in zip(COLUMNS.values(), cells.split(" | "), strict=True)
]


def preferred() -> dict[str, str]:
    """The versions that the tests run with."""
    lines = (ROOT / "requirements" / "constraints.txt").read_text().splitlines()
    pins = (line.partition(" ")[0].split("==") for line in lines if "==" in line)
    return dict(pins)


def resolve(extra: str, platform: str, output: Path) -> subprocess.CompletedProcess[str]:
    """Choose wheels as scripts/bundle does."""
    output.write_text((ROOT / "requirements" / "constraints.txt").read_text())
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header"]
    command += ["--no-annotate", "--only-binary", ":all:", "--python-version", "3.11.9"]
    command += ["--python-platform", platform, "--output-file", output, "-"]
    text = "\n".join(requirements_of(extra))
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def requirements_of(extra: str) -> list[str]:
    """What an extra needs, with what all need, from setup.cfg."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"]
    lines = f"{setup['options']['install_requires']}\n{extras[extra]}".splitlines()
    found = []
    for line in lines:
        nested = re.fullmatch(r"yarnhub\[(\w+)\]", line)
        found += requirements_of(nested[1]) if nested else [line]
    return found


def test_the_table_has_the_extras_that_sites_install():
    assert [extra for extra, _ in ROWS] == [
        *("hub", "pack", "notebook", "libhdfs", "kerberos", "skein")
    ]
    assert f"| extra | {' | '.join(COLUMNS)} |" in PAGE


@pytest.mark.heavy  # it asks the index
@pytest.mark.parametrize(("extra", "platform", "cell"), CELLS)
def test_a_cell_says_what_an_index_has(extra: str, platform: str, cell: str, tmp_path: Path):
    output = tmp_path / "requirements.txt"
    done = resolve(extra, platform, output)
    answer, _, names = cell.partition(": ")
    if answer == "no":
        assert done.returncode == 1
        assert f"{names}>=" in done.stderr
        assert "has no usable wheels" in " ".join(done.stderr.split())
        return
    assert done.returncode == 0, done.stderr
    chosen = dict(line.split("==") for line in output.read_text().splitlines() if "==" in line)
    tested = preferred()
    older = {
        name
        for name, version in chosen.items()
        if name in tested and Version(version) < Version(tested[name])
    }
    assert sorted(older) == (names.split(", ") if names else [])
