"""Opening the root: what is checked before the first call to HDFS."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
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
def test_the_user_is_hadoops_the_hubs_or_the_account(
    environment: dict[str, str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HADOOP_USER_NAME", "JUPYTERHUB_USER", "LOGNAME", "USER"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert root.set_hadoop_user() == name
    assert os.environ["HADOOP_USER_NAME"] == name


def test_the_root_is_made_from_the_template() -> None:
    assert (
        root.directory_from_template("/user/{username}/notebooks/", "alice")
        == "/user/alice/notebooks"
    )


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
def test_a_template_or_name_without_a_valid_directory_is_refused_in_one_line(
    template: str, name: str
) -> None:
    with pytest.raises(root.StartupError) as raised:
        root.directory_from_template(template, name)
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


def configured(directory: Path, site: str) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "core-site.xml").write_text(site)
    return directory


def assert_names_the_fix(message: str, reason: str) -> None:
    assert message.startswith(f"HDFS cannot be opened: {reason}. Set HADOOP_CONF_DIR to ")
    assert 'c.YarnSpawner.environment = {"HADOOP_CONF_DIR": "/etc/hadoop/conf"}' in message
    assert "\n" not in message


def test_an_absent_configuration_directory_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    monkeypatch.setenv("HADOOP_HOME", str(tmp_path))
    with pytest.raises(root.StartupError) as raised:
        root.open_root("/user/alice", None, create=True)
    reason = f"the directory {tmp_path}/etc/hadoop does not exist"
    assert_names_the_fix(str(raised.value), reason)


def test_a_configuration_directory_without_site_files_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    with pytest.raises(root.StartupError) as raised:
        root.open_root("/user/alice", None, create=True)
    assert_names_the_fix(str(raised.value), f"{tmp_path} contains no Hadoop configuration")


@pytest.mark.parametrize("name", ["hadoop.tmp.dir", "fs.defaultFS"])
def test_a_configuration_without_a_default_file_system_is_reported(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To Hadoop an empty value is no value.
    value = "" if name == "fs.defaultFS" else "/tmp"
    site = f"<property><name>{name}</name><value>{value}</value></property>"
    configured(tmp_path, f"<configuration>{site}</configuration>")
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    with pytest.raises(root.StartupError) as raised:
        root.open_root("/user/alice", None, create=True)
    reason = f"the configuration in {tmp_path} does not set fs.defaultFS"
    assert_names_the_fix(str(raised.value), reason)


def test_a_configuration_that_is_not_xml_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(tmp_path, "<configuration>")
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    with pytest.raises(root.StartupError, match=f"{tmp_path}/core-site.xml is not well-formed"):
        root.open_root("/user/alice", None, create=True)


@pytest.mark.parametrize("unreadable", ["", "core-site.xml"], ids=["directory", "file"])
@pytest.mark.parametrize(
    "call",
    [
        "open_root('/user/alice', None, create=True)",
        "open_root('/user/alice', 'hdfs://namenode:8020', create=True)",
        "home_directory('alice')",
    ],
)
def test_an_unreadable_configuration_is_reported(call: str, unreadable: str) -> None:
    # Not in tmp_path: its parents are closed to other accounts.
    with tempfile.TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        path = configured(Path(parent, "conf"), "<configuration/>") / unreadable
        path.chmod(0)
        message = run_python(
            "import os\nfrom hdfs_contents import root\n"
            "if os.geteuid() == 0:\n    os.setuid(65534)\n"
            f"try:\n    root.{call}\n"
            "except root.StartupError as error:\n    print(error)",
            HADOOP_CONF_DIR=str(Path(parent, "conf")),
        )
        path.chmod(0o755)
    assert_names_the_fix(message, f"{path} cannot be read (Permission denied)")


def run_python(script: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
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
