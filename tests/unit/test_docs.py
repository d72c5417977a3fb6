"""What the documents show is what the code accepts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from yarnspawner import YarnSpawner, metrics
from yarnspawner.profile_config import parse_profiles

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def examples() -> list[Any]:
    return [
        pytest.param(example, id=f"{page.name}-{number}")
        for page in PAGES
        for number, example in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.S))
    ]


@pytest.mark.parametrize("example", examples())
def test_every_configuration_in_the_documents_is_understood(example: str):
    config = Config()
    exec(example, {"c": config})  # as JupyterHub does
    spawner = YarnSpawner(config=config)
    for name in config.YarnSpawner:
        assert name in YarnSpawner.class_traits(config=True), name
    parse_profiles(spawner.profiles)


def test_every_figure_that_is_named_exists():
    page = (ROOT / "docs" / "monitoring.md").read_text()
    known = {
        each._name  # type: ignore[attr-defined]
        for each in vars(metrics).values()
        if hasattr(each, "_name")
    }
    named = {name.removesuffix("_total") for name in re.findall(r"^\| `(\w+)", page, re.M)}
    assert named == known


def test_every_link_between_the_documents_leads_somewhere():
    for page in [*PAGES, ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
