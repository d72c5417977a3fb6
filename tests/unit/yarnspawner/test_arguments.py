from __future__ import annotations

from types import SimpleNamespace

import pytest
from jupyterlab.labapp import LabApp

from yarnspawner import YarnSpawner
from yarnspawner.launch.arguments import lab_defaults, with_defaults

LAB = ["jupyterhub-singleuser"]


def lab(arguments: list[str]) -> LabApp:
    """JupyterLab with a server's command line."""
    app = LabApp()
    app.parse_command_line(with_defaults(lab_defaults(LAB), arguments))
    return app


def arguments_of(**options: object) -> list[str]:
    spawner = YarnSpawner(**options)
    spawner.user = SimpleNamespace(name="alice")
    return spawner.get_args()


def test_jupyterlab_reads_no_news_and_installs_no_extensions() -> None:
    app = lab([])
    assert app.news_url is None
    assert app.check_for_updates_class.__name__ == "NeverCheckForUpdate"
    assert app.extension_manager == "readonly"


@pytest.mark.parametrize(
    "argument", [["--LabApp.extension_manager=pypi"], ["--LabApp.extension_manager", "pypi"]]
)
def test_the_configuration_overrides_a_default(argument: list[str]) -> None:
    app = lab(argument)
    assert app.extension_manager == "pypi"
    assert app.news_url is None


def test_a_server_gets_the_defaults_if_its_command_starts_jupyterlab() -> None:
    assert "--LabApp.news_url=None" in arguments_of(cmd=["/opt/env/bin/jupyter-labhub"])
    assert arguments_of(cmd=["rserver"], contents_manager="") == []


def test_no_option_is_given_twice() -> None:
    own = ["--SessionState.enabled=False", "--ServerApp.contents_manager_class=my.Manager"]
    options = [argument.partition("=")[0] for argument in arguments_of(args=own)]
    assert len(options) == len(set(options))
    assert set(own) <= set(arguments_of(args=own))
