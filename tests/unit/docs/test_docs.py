"""What the documents show is what the code accepts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jupyterhub.metrics
import pytest
from jupyter_server.serverapp import ServerApp
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator, DummyAuthenticator
from jupyterhub.proxy import ConfigurableHTTPProxy
from jupyterhub.spawner import Spawner
from traitlets import TraitError
from traitlets.config import Config, Configurable
from traitlets.config.loader import LazyConfigValue

from hdfs_contents import HDFSCheckpoints, HDFSContentsManager
from tests.packages import PACKAGES
from yarnspawner import YarnSpawner, metrics
from yarnspawner.profiles.config import parse_profiles

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted(DOCS.glob("*.md"))]

#: Its Python is programs, which tests/hadoop/examples/test_hadoop_client.py runs.
PROGRAMS = DOCS / "hadoop_client.md"
SECTIONS: dict[str, type[Configurable]] = {
    each.__name__: each
    for each in (
        *(Authenticator, ConfigurableHTTPProxy, DummyAuthenticator, HDFSCheckpoints),
        *(HDFSContentsManager, JupyterHub, ServerApp, Spawner, YarnSpawner),
    )
}


def examples() -> list[Any]:
    return [
        pytest.param(example, id=f"{page.name}-{number}")
        for page in PAGES
        if page != PROGRAMS
        for number, example in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.S))
    ]


def check(config: Config) -> None:
    """Fail for an option that doesn't exist, and for a value that it doesn't take."""
    for section, options in config.items():
        traits = SECTIONS[section].class_traits(config=True)
        for name, value in options.items():
            assert name in traits, f"c.{section}.{name}"
            if isinstance(value, LazyConfigValue):  # a list or a dict that is added to
                value = value.get_value(traits[name].default())
            traits[name]._validate(SECTIONS[section].__new__(SECTIONS[section]), value)


@pytest.mark.parametrize("example", examples())
def test_every_configuration_in_the_documents_is_understood(example: str):
    config = Config()
    exec(example, {"c": config})  # as JupyterHub does
    check(config)
    parse_profiles(YarnSpawner(config=config).profiles)


def test_a_wrong_configuration_would_be_seen():
    with pytest.raises(AssertionError):
        check(Config(JupyterHub={"no_such_option": 1}))
    with pytest.raises(TraitError):
        check(Config(YarnSpawner={"gpus": "two"}))


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md"], ids=lambda page: page.name)
def test_every_property_in_the_documents_has_a_name_and_a_value(page: Path):
    for block in re.findall(r"```xml\n(.*?)```", page.read_text(), re.S):
        configuration = ElementTree.fromstring(f"<configuration>{block}</configuration>")
        for element in configuration:
            assert [part.tag for part in element] == ["name", "value"], block
            assert element.tag == "property"


def figures(*modules: Any) -> dict[str, str]:
    """The name of each figure, and its type."""
    found = [each for module in modules for each in vars(module).values()]
    return {each._name: each._type for each in found if hasattr(each, "_name")}


def test_every_figure_that_is_named_exists():
    page = (DOCS / "monitoring.md").read_text()
    named = {name.removesuffix("_total") for name in re.findall(r"^\| `(\w+)", page, re.M)}
    assert named == set(figures(metrics))


def test_the_dashboard_and_the_alarms_use_figures_that_exist():
    ours = figures(metrics)
    series = {
        name + suffix
        for name, kind in (ours | figures(jupyterhub.metrics)).items()
        for suffix in {"counter": ["_total"], "histogram": ["_bucket", "_count"]}.get(kind, [""])
    }
    dashboard = json.loads((DOCS / "grafana.json").read_text())
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    alarms = re.findall(r"^ +expr: (.+)$", (DOCS / "monitoring.md").read_text(), re.M)
    used = set(re.findall(r"\b(?:yarnspawner|jupyterhub)_\w+", " ".join([*shown, *alarms])))
    assert used - series == set()
    assert {name for name in ours if not any(each.startswith(name) for each in used)} == set()


def test_every_link_between_the_documents_leads_somewhere():
    for page in [*PAGES, ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize(
    ("page", "least"), [(DOCS / "architecture.md", 30), (ROOT / "CONTRIBUTING.md", 20)]
)
def test_the_map_of_the_code_names_files_that_exist(page: Path, least: int):
    named = re.findall(rf"`((?:{'|'.join(PACKAGES)})/[\w./]*)`", page.read_text())
    assert len(named) > least
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_chinese_readme_is_in_step():
    """It has the same code, but for comments, and leads to the same places."""
    english, chinese = (ROOT / name for name in ("README.md", "README.zh.md"))
    assert code(english.read_text()) == code(chinese.read_text())
    assert sections(english.read_text()) == sections(chinese.read_text())
    each_other = {english.name, chinese.name}
    assert links(english.read_text()) - each_other == links(chinese.read_text()) - each_other


def code(text: str) -> list[str]:
    lines = re.findall(r"^    .+$|^c\..+$", text, re.M)
    return [re.sub(r" +# .*", "", line).rstrip() for line in lines]


def sections(text: str) -> list[str]:
    return re.findall(r"^#+|^\*\*\d", text, re.M)


def links(text: str) -> set[str]:
    return set(re.findall(r"\]\(([^)]+)\)", text))
