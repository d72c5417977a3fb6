from __future__ import annotations

import pytest
from traitlets import TraitError

from yarnspawner import YarnSpawner
from yarnspawner.jupyterhub_settings import JupyterHubSettings


def test_a_configured_port_is_warned_of_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(JupyterHubSettings, "_warned_of_port", False)
    assert [YarnSpawner(port=18888).port, YarnSpawner(port=18888).port] == [18888, 18888]
    assert caplog.text.count("c.Spawner.port = 18888 has no effect") == 1
    assert "c.YarnSpawner.port_range" in caplog.text


def test_no_port_is_no_warning(caplog: pytest.LogCaptureFixture):
    YarnSpawner()
    assert caplog.text == ""


def test_a_range_that_runs_backwards_is_refused():
    with pytest.raises(TraitError, match="first port must not be above the last"):
        YarnSpawner(port_range=(2, 1))


@pytest.mark.parametrize("module", ["singleuser", "jupyter_labhub"])
def test_a_command_of_the_retired_spawner_is_replaced(
    module: str, caplog: pytest.LogCaptureFixture
):
    spawner = YarnSpawner(cmd=["python", "-m", f"yarnspawner.{module}"])
    assert spawner.cmd == ["jupyterhub-singleuser"]
    assert "is retired. jupyterhub-singleuser is used instead" in caplog.text


@pytest.mark.parametrize("path", ["srv/hdfs", "/", "/hdfs", "/srv/../hdfs", "/srv/hdfs/", ""])
def test_a_mount_path_that_is_not_one_is_refused(path: str):
    with pytest.raises(TraitError, match="must be an absolute path of two names"):
        YarnSpawner(mount_path=path)
