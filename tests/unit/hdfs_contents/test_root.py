"""What is settled before HDFS is asked anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hdfs_contents import root


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"HADOOP_USER_NAME": "alice", "JUPYTERHUB_USER": "bob"}, "alice"),
        ({"HADOOP_USER_NAME": "", "JUPYTERHUB_USER": "bob"}, "bob"),
        ({"JUPYTERHUB_USER": "bob", "USER": "carol"}, "bob"),
        ({"LOGNAME": "carol"}, "carol"),
    ],
)
def test_a_person_is_who_hadoop_or_the_hub_or_the_system_says(
    environment: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HADOOP_USER_NAME", "JUPYTERHUB_USER", "LOGNAME", "USER"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert root.identify() == name
    assert os.environ["HADOOP_USER_NAME"] == name


def test_the_root_is_made_from_the_template() -> None:
    assert root.root_from("/user/{username}/notebooks/", "alice") == "/user/alice/notebooks"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("/user/{username}", "a/b"),
        ("/user/{username}", ".."),
        ("/user/{username}", "a:b"),
        ("notebooks/{username}", "alice"),
        ("/user/{user}", "alice"),
        ("/user/{}", "alice"),
        ("/user/{username.nothing}", "alice"),
        ("/user/{username", "alice"),
    ],
)
def test_a_template_or_name_that_gives_no_directory_is_refused_in_one_line(
    template: str, name: str
) -> None:
    with pytest.raises(root.StartupError) as raised:
        root.root_from(template, name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        ("default", 0, None),
        ("default", 8020, None),
        ("namenode", 8020, "hdfs://namenode:8020"),
        ("nameservice", 0, "hdfs://nameservice"),
    ],
)
def test_host_and_port_name_a_namenode_or_a_name_service(
    host: str, port: int, url: str | None
) -> None:
    assert root.namenode_url(host, port) == url


def test_without_a_configuration_the_sentence_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    monkeypatch.setenv("HADOOP_HOME", str(tmp_path))
    with pytest.raises(root.StartupError, match=f"{tmp_path}/etc/hadoop has no .* HADOOP_CONF_DIR"):
        root.open_root("/user/alice", None, create=True)


@pytest.mark.parametrize("site", ["<configuration/>", "<configuration>"])
def test_with_a_useless_configuration_the_sentence_names_it(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "core-site.xml").write_text(site)
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    with pytest.raises(root.StartupError, match=str(tmp_path)):
        root.open_root("/user/alice", None, create=True)


def run_python(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_file_system_needs_neither_jupyter_server_nor_an_hdfs_client_to_be_imported() -> None:
    script = (
        "import sys, hdfs_contents, hadoop_client.hdfs.filesystem\n"
        "heavy = {'jupyter_server', 'hdfs_native', 'pyarrow', 'nbformat', 'tornado'}\n"
        "print(heavy & sys.modules.keys())"
    )
    assert run_python(script) == "set()"


def test_the_manager_is_imported_by_its_public_name_without_an_hdfs_client() -> None:
    script = (
        "import sys\nfrom hdfs_contents import HDFSContentsManager, HDFSCheckpoints\n"
        "print(HDFSContentsManager.__name__, 'hdfs_native' in sys.modules)"
    )
    assert run_python(script) == "HDFSContentsManager False"
