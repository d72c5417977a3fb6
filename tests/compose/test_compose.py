"""`docker compose up`, as a newcomer runs it: a JupyterHub on a Hadoop of eight hosts.

The image is built, the cluster comes up, people work on it, then once more with Kerberos, and all
of it is removed, down to the image: only what was there before the tests is there after them.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.compose.engine import run
from tests.compose.services import Compose

DAEMONS = (
    *("namenode", "datanode1", "datanode2", "datanode3"),
    *("resourcemanager", "nodemanager1", "nodemanager2"),
)
NODES = ("nodemanager1", "nodemanager2")

#: Where the image has Python packages, those of the hub and the daemons and those of Debian.
PACKAGES_OF_THE_IMAGE = (
    "/opt/lab/lib/python3.11/site-packages",
    "/usr/local/lib/python3.11/dist-packages",
)

#: Prints the node and the Python that it runs in, and where else anything was imported from.
WHERE_FROM = """
import importlib.util, json, os, socket, sys, jupyterhub, jupyterlab, hdfs_contents
files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
print(json.dumps({
    "node": socket.gethostname(),
    "has_the_images_packages": importlib.util.find_spec("only_in_the_image") is not None,
    "python": list(map(os.path.realpath, [sys.prefix, sys.base_prefix, sys.executable])),
    "elsewhere": [file for file in files if file and not file.startswith(sys.prefix + "/")],
}))
"""

#: Whose keys there are on a host, by what it is.
KEYS = {
    "namenode": ["nn", "HTTP"],
    "datanode": ["dn"],
    "resourcemanager": ["rm"],
    "nodemanager": ["nm"],
    "edge": ["jupyterhub", "alice", "bob"],
}
SHOW_KEYS = """
find /etc/security/keytabs -type f
cd ~/krb5/keytabs && stat --format %n:%a *
"""

#: Prints "refused" where HDFS does not take somebody's word for who they are.
CLAIMS = [
    """
import urllib.error, urllib.request
url = "http://namenode:9001/webhdfs/v1/user/alice?op=LISTSTATUS&user.name=hadoop"
try:
    print(urllib.request.urlopen(url).read())
except urllib.error.HTTPError as error:
    print("refused" if error.code == 401 else error.code)
""",
    """
import os
os.environ |= {"HADOOP_USER_NAME": "hadoop", "HADOOP_CONF_DIR": "/var/lib/hadoop/conf"}
from hadoop_client.hdfs.filesystem import open_filesystem
try:
    print(open_filesystem().list_dir("/user/alice"))
except OSError as error:
    print("refused", error)
""",
]

pytestmark = [pytest.mark.heavy, pytest.mark.compose, pytest.mark.timeout(2400)]


def test_the_check_of_the_edge_node_finds_nothing_wrong(compose: Compose):
    done = compose("run", "--rm", "-T", "edge", "yarnhub", "check", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout
    assert "lab is /apps/yarnhub/envs/lab/" in done.stdout


def test_two_users_pass_the_end_to_end_check(compose: Compose):
    done = compose("exec", "-T", "edge", "end-to-end-check", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The check passed." in done.stdout


async def test_servers_run_on_both_nodes_in_nothing_but_the_environment_from_hdfs(
    compose: Compose,
):
    for node in NODES:
        files = [f"{folder}/only_in_the_image.py" for folder in PACKAGES_OF_THE_IMAGE]
        compose("exec", "-T", "--user", "root", node, "touch", *files)
        found = compose("exec", "-T", node, "python", "-c", "import only_in_the_image")
        assert found.returncode == 0
    async with compose.server("alice") as alice, compose.server("bob") as bob:
        seen = [json.loads(await each.run_cell(WHERE_FROM)) for each in (alice, bob)]
        for one in seen:
            assert all("/filecache/" in path for path in one["python"]), one
            assert one["elsewhere"] == []
            assert not one["has_the_images_packages"]
            # YARN brought it to that very node.
            compose("exec", "-T", one["node"], "test", "-x", one["python"][-1])
        assert {one["node"] for one in seen} == set(NODES)


@pytest.mark.parametrize("service", [*DAEMONS, "edge"])
def test_nothing_runs_as_root_and_no_daemon_is_published(compose: Compose, service: str):
    user = "jupyterhub" if service == "edge" else "hadoop"
    assert compose("exec", "-T", service, "id", "-un").stdout.strip() == user
    (container,) = compose("ps", "--quiet", service).stdout.split()
    ports = run(["docker", "port", container], compose.environment).stdout.split()
    assert ports == (["8000/tcp", "->", compose.url.removeprefix("http://")] * (service == "edge"))


async def test_a_new_user_works_after_an_end_that_loses_nobodys_notebooks(
    compose: Compose, kept: str
):
    password = compose.password()
    compose("down")
    compose.up("alice bob carol")
    done = compose("run", "--rm", "-T", "edge", "yarnhub", "check", "--user", "carol", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unchanged, nothing uploaded" in compose("logs", "--no-color", "edge").stdout
    assert await _is_found(kept, compose, password)


def test_with_kerberos_the_check_of_the_edge_node_finds_nothing_wrong(secure: Compose):
    done = secure(
        *("run", "--rm", "-T", "edge", "yarnhub", "check"),
        *("--config", "/etc/jupyterhub/jupyterhub_config.py", "--user", "alice"),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search("^ok +keytab", done.stdout, re.MULTILINE), done.stdout


def test_with_kerberos_two_users_pass_the_end_to_end_check(secure: Compose):
    done = secure("exec", "-T", "edge", "end-to-end-check", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The check passed." in done.stdout


async def test_with_kerberos_people_find_what_they_saved_without(secure: Compose, kept: str):
    assert await _is_found(kept, secure, secure.password())


@pytest.mark.parametrize("service", [*DAEMONS, "edge"])
def test_each_host_has_its_own_keys_and_nobody_elses(secure: Compose, service: str):
    shown = secure("exec", "-T", service, "sh", "-c", SHOW_KEYS).stdout.split()
    kind = service.rstrip("123")
    wanted = KEYS[kind]
    assert sorted(shown) == sorted(
        [f"/etc/security/keytabs/{service}/{name}.keytab" for name in wanted]
        + [f"{name}.keytab:400" for name in wanted]
    )


def test_the_kdc_is_nobody_special_and_not_published(secure: Compose):
    assert secure("exec", "-T", "kdc", "id", "-un").stdout.strip() == "hadoop"
    (container,) = secure("ps", "--quiet", "kdc").stdout.split()
    assert run(["docker", "port", container], secure.environment).stdout == ""


@pytest.mark.parametrize("claim", CLAIMS)
def test_whoever_has_no_key_is_nobody(secure: Compose, claim: str):
    done = secure("exec", "-T", "nodemanager1", "python", "-c", claim, check=False)
    assert "refused" in done.stdout, done.stdout + done.stderr


def test_the_image_holds_no_key(secure: Compose):
    image = secure.environment["YARNHUB_IMAGE"]
    names = ["-name", "*.keytab", "-o", "-name", "stash", "-o", "-name", "password"]
    places = ["/var/lib/hadoop", "/var/lib/jupyterhub", "/var/lib/krb5kdc", "/etc", "/opt"]
    found = ["docker", "run", "--rm", "--user", "root", "--entrypoint", "find", image, *places]
    done = run([*found, "-type", "f", "(", *names, ")", "-print"], secure.environment)
    assert (done.stdout, done.stderr) == ("", "")


async def _is_found(notebook: str, compose: Compose, password: str) -> bool:
    async with compose.server("alice", password) as alice:
        found = await alice.api("GET", f"contents/{notebook}")
    return bool(found["content"]["metadata"]["kept"])
