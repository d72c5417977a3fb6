"""JupyterHub and systemd can read the files that `yarnhub config` writes."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub.app import JupyterHub
from jupyterhub.auth import Authenticator
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from env_packaging.inventory import Stored
from env_packaging.manifest import MODULE_CODE, SERVER_MODULE, Finding, Manifest
from tests.unit.env_packaging.test_manifest import MANIFEST
from yarnhub.config.cli import usefulness
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


def test_unused_servers_are_ended_by_a_service_with_the_rights_that_it_needs(tmp_path):
    config = read(AdminChoices("edge1", "science", "base", ()), tmp_path / "config.py")
    [service] = config.JupyterHub.services.get_value([])
    [role] = config.JupyterHub.load_roles.get_value([])
    assert service["command"][:3] == [sys.executable, "-m", "jupyterhub_idle_culler"]
    assert service["cwd"] == "/"
    assert role["services"] == [service["name"]]
    assert "delete:servers" in role["scopes"]


def test_an_environment_in_which_a_server_can_start_comes_first():
    bare = replace(
        MANIFEST, findings=(Finding("warning", MODULE_CODE, "no server", (SERVER_MODULE,)),)
    )

    def stored(name: str, manifest: Manifest | None, modified_ms: int) -> Stored:
        return Stored(name, "0" * 20, ("latest",), (), None, manifest, "", modified_ms)

    environments = [
        stored("bare", bare, 9),
        stored("damaged", None, 9),
        stored("lab", MANIFEST, 1),
        stored("lab2", MANIFEST, 2),
    ]
    ordered = sorted(environments, key=usefulness)
    assert [one.name for one in ordered] == ["lab2", "lab", "bare", "damaged"]


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


def unit_lines(**changes: object) -> list[str]:
    settings: dict[str, object] = {
        "account": "jupyterhub",
        "folder": "/srv/hub",
        "environment": {"PATH": "/opt/hub/bin:/usr/bin", "HADOOP_CONF_DIR": "/etc/hadoop/conf"},
        "command": ("/opt/hub/bin/jupyterhub", "-f", "/srv/hub/c.py"),
    }
    return systemd_unit(**{**settings, **changes}).splitlines()


def test_the_unit_closes_the_hubs_files_and_protects_the_systems():
    lines = unit_lines()
    assert "UMask=0077" in lines
    assert "ProtectSystem=full" in lines
    assert "PrivateTmp=true" in lines
    assert not [line for line in lines if line.startswith(("ReadWritePaths", "NoNewPrivileges"))]


def test_a_hub_that_is_root_can_still_create_accounts():
    assert "ProtectSystem=true" in unit_lines(account="root")


def test_a_hub_with_its_directory_in_a_protected_one_can_write_there():
    lines = unit_lines(folder="/etc/jupyter hub 100%")
    assert 'ReadWritePaths="/etc/jupyter hub 100%%"' in lines


@pytest.mark.parametrize(
    "changes",
    [
        {"ticket_by_hand": True},
        {"folder": "/tmp/hub"},
        {"command": ("/var/tmp/venv/bin/jupyterhub",)},
        {"environment": {"KRB5CCNAME": "FILE:/tmp/krb5cc_hub"}},
        {"environment": {"PATH": "/usr/bin:/tmp/proxy/bin"}},
    ],
)
def test_a_hub_that_uses_a_file_in_tmp_shares_it_with_the_machine(changes: dict[str, object]):
    assert "PrivateTmp=true" not in unit_lines(**changes)
