"""JupyterHub and systemd can read the files that `yarnhub config` writes."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from yarnhub.config.render import AdminChoices, ClusterResources, hub_config, systemd_unit
from yarnspawner.spawner import YarnSpawner

CLUSTER = ClusterResources(("default", "science"), ("base", "gpu"), node_mb=65536, node_cores=16)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def read(choices: AdminChoices, file: Path, cluster: ClusterResources = CLUSTER) -> Config:
    file.write_text(hub_config(choices, cluster))
    return PyFileConfigLoader(file.name, path=str(file.parent)).load_config()


def test_every_written_option_exists(tmp_path):
    config = read(AdminChoices("edge1", "science", "base", ("alice",)), tmp_path / "config.py")
    classes = {"JupyterHub": JupyterHub, "Authenticator": Authenticator, "YarnSpawner": YarnSpawner}
    assert set(config) == set(classes)
    for name, values in config.items():
        assert set(values) <= set(classes[name].class_trait_names(config=True))


def test_all_accounts_may_log_in_if_no_user_is_given(tmp_path):
    config = read(AdminChoices("edge1", "science", "base", ()), tmp_path / "config.py")
    assert config.Authenticator == {"allow_all": True}


def test_with_kerberos_the_keytab_is_written(tmp_path):
    secure = replace(CLUSTER, kerberos=True)
    known = AdminChoices("edge1", "science", "base", ("alice",), keytab="/etc/hub.keytab")
    file = tmp_path / "config.py"
    assert read(known, file, secure).YarnSpawner.keytab == "/etc/hub.keytab"
    unknown = replace(known, keytab="")
    assert "keytab" not in read(unknown, file, secure).YarnSpawner
    assert "# c.YarnSpawner.keytab = " in file.read_text()
    assert "keytab" not in hub_config(known, CLUSTER)


@given(words=st.lists(TEXT, min_size=4, max_size=4))
def test_no_answer_of_an_administrator_becomes_code(words, tmp_path_factory):
    host, queue, env, user = words
    choices = AdminChoices(host, queue, env, (user,))
    config = read(choices, tmp_path_factory.mktemp("config") / "config.py")
    assert config.JupyterHub.hub_connect_ip == host
    assert (config.YarnSpawner.queue, config.YarnSpawner.python_env) == (queue, env)
    assert config.Authenticator.allowed_users == {user}


def test_the_unit_runs_the_hub_with_its_variables():
    unit = systemd_unit(
        account="jupyterhub",
        folder="/srv/hub",
        environment={"HADOOP_CONF_DIR": "/etc/hadoop 3/conf", "PATH": "/opt/100%/bin"},
        command=("/opt/my hub/bin/jupyterhub", "-f", "/srv/hub/c.py"),
    )
    lines = dict(line.split("=", 1) for line in unit.splitlines() if line.startswith("Exec"))
    assert shlex.split(lines["ExecStart"]) == ["/opt/my hub/bin/jupyterhub", "-f", "/srv/hub/c.py"]
    assert 'Environment="HADOOP_CONF_DIR=/etc/hadoop 3/conf"' in unit.splitlines()
    assert "Environment=PATH=/opt/100%%/bin" in unit.splitlines()
