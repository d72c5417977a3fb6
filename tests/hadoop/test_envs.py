"""`yarnhub envs` against a real HDFS and a real ResourceManager."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.hadoop.env_tools import HUB_USER, client_environment, open_hdfs, pack_env
from tests.hadoop.hdfs_files import open_anew
from tests.hadoop.yarn_rest import end_application
from tests.unit.env_packaging.prefixes import copy_python, install, make_venv
from yarnhub.minihadoop import MiniHadoop

#: Not everybody's: what is collected here is only what these tests have published.
ENV_ROOT = "/apps/yarnhub/registry-tests"


@pytest.fixture(scope="module")
def keys(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """An environment `kept` that was published twice: the older key, and the one of `latest`."""
    folder = tmp_path_factory.mktemp("kept")
    venv = make_venv(copy_python(folder / "python"), folder / "venv")
    made = []
    for package in ("demo", "other"):
        install(venv, package)
        done = pack_env(hadoop, venv, "--name", "kept", "--env-root", ENV_ROOT, "--json", "--quiet")
        assert done.returncode == 0, done.stderr
        made.append(json.loads(done.stdout)["manifest"]["key"])
    return made[0], made[1]


def envs(
    hadoop: MiniHadoop, *arguments: str, user: str = HUB_USER, columns: int = 80
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yarnhub", "envs", *arguments, "--env-root", ENV_ROOT],
        env=client_environment(hadoop, user) | {"COLUMNS": str(columns)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def submit_user_of(hadoop: MiniHadoop, key: str) -> str:
    """Submit an application that says by its tag that it uses the key; return its id."""
    url = f"{hadoop.resourcemanager_url}/ws/v1/cluster/apps"
    params = {"user.name": "alice"}
    with httpx.Client(trust_env=False, params=params, timeout=60) as client:
        application = client.post(f"{url}/new-application").json()["application-id"]
        wanted = {
            "application-id": application,
            "application-name": "user of an environment",
            "application-tags": {"tag": [f"yarnhub-env-{key}"]},
            "max-app-attempts": 1,
            "resource": {"memory": 256, "vCores": 1},
            "am-container-spec": {"commands": {"command": "sleep 300"}},
        }
        client.post(url, json=wanted).raise_for_status()
    return application


@pytest.mark.parametrize("columns", [80, 50])
def test_the_list_has_all_and_fits_the_terminal(
    hadoop: MiniHadoop, keys: tuple[str, str], columns: int
) -> None:
    done = envs(hadoop, "list", columns=columns)
    assert done.returncode == 0, done.stderr
    assert "kept" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= columns
    listed = json.loads(envs(hadoop, "list", "--json").stdout)
    ours = {each["key"]: each["aliases"] for each in listed if each["name"] == "kept"}
    assert ours == {keys[0]: [], keys[1]: ["latest"]}


def test_show_verify_and_diff_tell_of_what_was_published(
    hadoop: MiniHadoop, keys: tuple[str, str]
) -> None:
    assert "demo 1.0" in envs(hadoop, "show", "kept").stdout
    assert envs(hadoop, "verify", "kept").stdout.startswith(f"kept@{keys[1]}: OK, ")
    difference = envs(hadoop, "diff", f"kept@{keys[0]}", "kept").stdout
    assert difference.startswith("+ other ")


def test_an_alias_is_set_and_deleted(hadoop: MiniHadoop, keys: tuple[str, str]) -> None:
    set_it = envs(hadoop, "alias", "kept:stable", f"kept@{keys[0]}")
    assert set_it.stdout == f"kept:stable points to kept@{keys[0]}.\n"
    assert json.loads(envs(hadoop, "show", "kept:stable", "--json").stdout)["public"]
    assert envs(hadoop, "alias", "kept:stable", "--delete").returncode == 0
    gone = envs(hadoop, "alias", "kept:stable", "--delete")
    assert (gone.returncode, gone.stderr) == (
        4,
        f"The alias kept:stable does not exist in {ENV_ROOT}.\n",
    )


def test_what_a_running_application_uses_is_kept_until_it_ends(
    hadoop: MiniHadoop, keys: tuple[str, str]
) -> None:
    hdfs = open_hdfs(hadoop)
    archive = f"{ENV_ROOT}/kept/{keys[0]}.tar.gz"
    application = submit_user_of(hadoop, keys[0])
    try:
        listed = json.loads(envs(hadoop, "list", "--json").stdout)
        assert {each["key"]: each["used_by"] for each in listed}[keys[0]] == 1
        refused = envs(hadoop, "remove", f"kept@{keys[0]}")
        assert refused.returncode == 5
        assert "an application that has not ended uses it" in refused.stderr
        assert envs(hadoop, "gc", "--older-than", "0").returncode == 0
        assert hdfs.exists(archive)
    finally:
        end_application(hadoop, application)


def make_old(hadoop: MiniHadoop, path: str) -> None:
    url = f"{hadoop.namenode_url}/webhdfs/v1{path}"
    params = {"op": "SETTIMES", "modificationtime": "1000", "user.name": HUB_USER}
    httpx.put(url, params=params, trust_env=False, timeout=60).raise_for_status()


def test_what_an_alias_has_left_is_garbage_a_week_later_and_not_at_once(
    hadoop: MiniHadoop, keys: tuple[str, str]
) -> None:
    def is_garbage() -> bool:
        done = envs(hadoop, "gc", "--dry-run")
        assert done.returncode == 0, done.stderr
        return f"Would remove kept@{keys[0]}\n" in done.stdout

    files = [f"{ENV_ROOT}/kept/{keys[0]}{suffix}" for suffix in (".tar.gz", ".json")]
    assert envs(hadoop, "alias", "kept:left", f"kept@{keys[0]}").returncode == 0
    for path in files:
        make_old(hadoop, path)
    assert not is_garbage()
    assert envs(hadoop, "alias", "kept:left", "kept").returncode == 0
    assert not is_garbage()
    assert open_hdfs(hadoop).stat(files[0]).modified_ms == 1000
    assert open_hdfs(hadoop).stat(files[1]).mode == 0o644
    make_old(hadoop, files[1])
    assert is_garbage()
    assert envs(hadoop, "alias", "kept:left", "--delete").returncode == 0


def test_what_somebody_else_alone_may_read_hides_nothing(
    hadoop: MiniHadoop, keys: tuple[str, str]
) -> None:
    hdfs = open_hdfs(hadoop)
    assert envs(hadoop, "alias", "kept:own", "kept").returncode == 0
    hdfs.set_permission(f"{ENV_ROOT}/kept/own", 0o600)
    hdfs.set_permission(f"{ENV_ROOT}/kept/{keys[0]}.json", 0o600)
    for folder in (".Trash", "private"):
        hdfs.mkdirs(f"{ENV_ROOT}/{folder}", 0o700)
    try:
        done = envs(hadoop, "list", "--json", user="alice")
        assert done.returncode == 0, done.stderr
        listed = {each["key"]: each["damage"] for each in json.loads(done.stdout)}
        assert listed[keys[1]] == ""
        assert listed[keys[0]].startswith("its manifest cannot be read: Permission denied")
        assert "the alias kept:own cannot be read or trusted" in done.stderr
        refused = envs(hadoop, "remove", f"kept@{keys[0]}", user="alice")
        assert refused.returncode == 5, refused.stderr
    finally:
        hdfs.set_permission(f"{ENV_ROOT}/kept/{keys[0]}.json", 0o644)
        hdfs.delete(f"{ENV_ROOT}/kept/own")
        for folder in (".Trash", "private"):
            hdfs.delete(f"{ENV_ROOT}/{folder}")


def test_an_alias_protects_and_everybody_else_is_refused(
    hadoop: MiniHadoop, keys: tuple[str, str]
) -> None:
    refused = envs(hadoop, "remove", "kept")
    assert (refused.returncode, "the alias latest points to it" in refused.stderr) == (5, True)
    forced = envs(hadoop, "remove", "kept", "--force", user="alice")
    assert forced.returncode == 6
    assert "Traceback" not in forced.stderr
    assert envs(hadoop, "verify", "kept").returncode == 0


def test_a_changed_archive_is_found(hadoop: MiniHadoop, tmp_path: Path) -> None:
    venv = make_venv(copy_python(tmp_path / "python"), tmp_path / "venv")
    install(venv, "demo")
    done = pack_env(hadoop, venv, "--name", "changed", "--env-root", ENV_ROOT, "--quiet")
    assert done.returncode == 0, done.stderr
    hdfs = open_hdfs(hadoop)
    path = json.loads(envs(hadoop, "show", "changed", "--json").stdout)["path"]
    with hdfs.open_read(path) as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    with open_anew(hdfs, path) as file:
        file.write(bytes(data))
    found = envs(hadoop, "verify", "changed")
    assert found.returncode == 5
    assert "SHA-256" in found.stderr
