from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyterlab.commands import get_app_dir
from jupyterlab.labapp import LabApp
from jupyterlab_server.settings_utils import get_settings

import yarnspawner
from yarnspawner import YarnSpawner
from yarnspawner.launch.arguments import lab_defaults, with_defaults

LAB = ["jupyterhub-singleuser"]
SETTINGS = Path(yarnspawner.__file__).parent / "jupyter-config/lab-settings/yarnhub.json"


def lab(arguments: list[str]) -> LabApp:
    """JupyterLab with a server's command line."""
    app = LabApp()
    app.parse_command_line(with_defaults(lab_defaults(LAB), arguments))
    return app


def arguments_of(**options: object) -> list[str]:
    spawner = YarnSpawner(**options)
    spawner.user = SimpleNamespace(name="alice")
    return spawner.get_args()


def test_jupyterlab_installs_no_extensions() -> None:
    assert lab([]).extension_manager == "readonly"


@pytest.mark.parametrize(
    "argument", [["--LabApp.extension_manager=pypi"], ["--LabApp.extension_manager", "pypi"]]
)
def test_the_configuration_overrides_a_default(argument: list[str]) -> None:
    assert lab(argument).extension_manager == "pypi"


def test_jupyterlab_neither_asks_for_news_nor_looks_for_updates(tmp_path: Path) -> None:
    (tmp_path / "overrides.d").mkdir()
    defaults = SETTINGS.read_text()
    (tmp_path / "overrides.d" / SETTINGS.name).write_text(defaults)
    plugin, *_ = json.loads(defaults)
    app_directory = Path(get_app_dir())
    answer, _ = get_settings(str(tmp_path), str(app_directory / "schemas"), "", plugin)
    schema = answer["schema"]["properties"]
    assert schema["fetchNews"]["default"] == "false"
    assert schema["checkForUpdates"]["default"] is False


def test_a_server_gets_the_defaults_if_its_command_starts_jupyterlab() -> None:
    assert "--LabApp.extension_manager=readonly" in arguments_of(
        cmd=["/opt/env/bin/jupyter-labhub"]
    )
    assert arguments_of(cmd=["rserver"], contents_manager="") == []


def test_no_option_is_given_twice() -> None:
    own = ["--SessionState.enabled=False", "--ServerApp.contents_manager_class=my.Manager"]
    options = [argument.partition("=")[0] for argument in arguments_of(args=own)]
    assert len(options) == len(set(options))
    assert set(own) <= set(arguments_of(args=own))
