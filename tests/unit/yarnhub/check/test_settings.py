"""The settings that the checks read from a hub's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from yarnhub.check.settings import ConfigFileError, HubSettings, read_settings


def test_without_a_configuration_the_defaults_count():
    assert read_settings(None) == HubSettings()


def test_the_settings_are_those_that_the_configuration_sets(tmp_path: Path):
    file = tmp_path / "jupyterhub_config.py"
    file.write_text(
        "c = get_config()\n"
        "c.YarnSpawner.python_env = 'lab'\n"
        "c.Authenticator.allowed_users = {'bob', 'alice'}\n"
    )
    assert read_settings(file) == HubSettings(python_env="lab", allowed_users=("alice", "bob"))


def test_users_added_to_the_default_do_not_count_as_all(tmp_path: Path):
    file = tmp_path / "jupyterhub_config.py"
    file.write_text("c = get_config()\nc.Authenticator.allowed_users.add('alice')\n")
    assert read_settings(file).allowed_users == ()


def test_users_have_their_hadoop_names(tmp_path: Path):
    file = tmp_path / "jupyterhub_config.py"
    file.write_text(
        "c = get_config()\n"
        "c.YarnSpawner.hadoop_name_hook = lambda name: name.removesuffix('@example.com')\n"
        "c.Authenticator.allowed_users = {'bob@example.com', 'alice@example.com'}\n"
    )
    assert read_settings(file).allowed_users == ("alice", "bob")


def test_a_configuration_that_fails_is_reported(tmp_path: Path):
    file = tmp_path / "jupyterhub_config.py"
    file.write_text("c = get_config()\n1 / 0\n")
    with pytest.raises(ConfigFileError, match="ZeroDivisionError"):
        read_settings(file)
