"""What support.md says works together is what the tests' lanes and the metadata say."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pathlib import Path

from tests.hadoop.test_versions import VERSIONS
from yarnhub.minihadoop.artifacts import DEFAULT_VERSION

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "support.md").read_text()
LANES = (ROOT / "scripts" / "test").read_text()
ROWS = re.findall(r"^\| (\w[^|]*?) \| (\d[^|]*?) \| (.*?) \|$", PAGE, re.M)


def versions(what: str) -> set[str]:
    return {each for name, told, _ in ROWS if name == what for each in told.split(", ")}


def test_the_versions_are_those_that_the_lanes_run():
    others = set(re.findall(r"--hadoop (\S+)", LANES))
    assert versions("Hadoop") == {DEFAULT_VERSION, *others, *VERSIONS}
    (oldest,) = re.findall(r'"jupyterhub==([\d.]+)\.\*"', LANES)
    assert oldest in versions("JupyterHub")


def test_the_pythons_are_those_that_the_metadata_names():
    named = [each.rpartition(" ")[2] for each in metadata("yarnhub").get_all("Classifier") or []]
    assert versions("Python") == {each for each in named if re.fullmatch(r"3\.\d+", each)}


def test_what_proves_a_row_is_there():
    (lanes,) = re.findall(r"usage: scripts/test \[(.*?)\]", LANES)
    for _, _, proof in ROWS:
        (command,) = re.findall(r"`([^`]+)`", proof)
        lane = re.fullmatch(r"(?:PYTHON=\S+ )?scripts/test ?(\w*)", command)
        assert lane[1] in ("", *lanes.split("|")) if lane else (ROOT / command).exists(), command
