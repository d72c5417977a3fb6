"""Names with any character stay what they are in URLs, paths, shell words and messages."""

from __future__ import annotations

import asyncio
import posixpath
import re
import shlex
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jupyterhub.utils import url_escape_path

from env_packaging.errors import UnsafeEnvironmentError
from env_packaging.registry import refuse_world_writable
from hadoop_client.hdfs.filesystem import FileStatus
from hadoop_client.hdfs.homes import make_home_command
from hadoop_client.yarn.records import Url
from hdfs_contents.session.store import archive_path
from yarnhub.check.verdicts import HomeDirectory, judge_home, judge_keytab
from yarnspawner.failures import ImpersonationError, OptionsError
from yarnspawner.hub import token_endpoint
from yarnspawner.launch import environments
from yarnspawner.launch.environments import find_environment
from yarnspawner.launch.kernels import kernel_name
from yarnspawner.launch.localized_files import RequestedFile, local_files
from yarnspawner.launcher import port_endpoint
from yarnspawner.refusals import explain
from yarnspawner.users import SUPERUSERS, check_user

#: What a shell, a URL, HTML, a path or a terminal would read as its own.
ODD = st.text(st.sampled_from("aé数 '\"`$;|&<>(){}[]*?!#%@+=~^\\./-_:,\n\t\x1b\u202e\u2028"))
TEXTS = ODD | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
#: JupyterHub's names of servers have no slash.
SERVERS = TEXTS.filter(lambda name: "/" not in name and bool(name))
#: A part of a path in HDFS.
PARTS = TEXTS.filter(lambda name: bool(name) and "/" not in name and name not in (".", ".."))


def accepted(name: str) -> bool:
    try:
        check_user(name, "jupyterhub", set(SUPERUSERS))
    except ImpersonationError:
        return False
    return True


#: Users for whom servers are started.
USERS = TEXTS.filter(accepted)


@given(USERS)
def test_a_user_is_one_printable_word_and_one_part_of_a_path(user: str):
    assert user.isprintable()
    assert not user.startswith("-")
    assert posixpath.normpath(f"/user/{user}") == f"/user/{user}"


@pytest.mark.parametrize("name", ["-R", "a\x7f", "a\u202eb", "a\u2028", "\ud800"])
def test_a_name_that_a_command_or_a_terminal_would_act_on_is_no_user(name: str):
    assert not accepted(name)


@given(USERS)
def test_commands_for_a_home_name_the_user_and_the_directory(user: str):
    path = f"/user/{user}"
    words = shlex.split(make_home_command(user, path, 0o700))
    assert words == [
        *("hdfs", "dfs", "-mkdir", "-p", path, "&&", "hdfs", "dfs", "-chown", user, path, "&&"),
        *("hdfs", "dfs", "-chmod", "700", path),
    ]
    home = HomeDirectory(path, f"not-{user}", is_dir=True, mode=0o700)
    assert command_in(judge_home(user, path, home, made_by_hub=False).remedy)[3:] == [user, path]


def command_in(text: str) -> list[str]:
    """Return the words of the command between backticks, which is the first and last of them."""
    return shlex.split(text[text.index("`") + 1 : text.rindex("`")])


@given(PARTS)
def test_commands_for_a_file_name_it(name: str):
    path = f"/apps/{name}"
    status = FileStatus(path, is_dir=True, size=0, modified_ms=0, mode=0o777, owner="", group="")
    with pytest.raises(UnsafeEnvironmentError) as unsafe:
        refuse_world_writable(status)
    command = str(unsafe.value).rpartition("Run: ")[2]
    assert shlex.split(command) == ["hdfs", "dfs", "-chmod", "o-w", path]
    closed = judge_keytab(path, needed=True, mode=0o644, readable=True).remedy
    assert shlex.split(closed[closed.index("`") + 1 : closed.rindex("`")])[2:] == [path]
    with pytest.raises(OptionsError) as refused:
        local_files([RequestedFile("data", path, archive=True, public=False)])
    text = refused.value.jupyterhub_message
    if name.isprintable():
        command = text[text.index("hdfs dfs -put") : text.rindex(" /apps/yarnhub/)")]
        assert shlex.split(command) == ["hdfs", "dfs", "-put", path]


@given(USERS, SERVERS)
def test_each_servers_endpoints_are_found_by_its_names(user: str, server: str):
    names = url_escape_path(user), url_escape_path(server)
    check_route(token_endpoint.path, token_endpoint.HANDLERS, names, (user, server))
    check_route(port_endpoint.path, port_endpoint.HANDLERS, names, (user, server))
    check_route(token_endpoint.path, token_endpoint.HANDLERS, (names[0], ""), (user,))


def check_route(
    path: Callable[[str, str], str],
    handlers: list[tuple[str, type]],
    names: tuple[str, str],
    parts: tuple[str, ...],
) -> None:
    """As tornado does: the pattern is for the whole path, and its groups are unquoted."""
    address = "/api/" + path(*names)
    assert address.isascii()
    assert address.isprintable()
    matches = [match for route, _ in handlers if (match := re.fullmatch(route, address))]
    assert [tuple(map(unquote, match.groups())) for match in matches] == [parts]


@given(SERVERS, SERVERS)
def test_each_server_has_its_own_archive_in_one_directory(one: str, other: str):
    assume(one != other)
    paths = [archive_path("/sessions", server) for server in (one, other)]
    assert paths[0] != paths[1]
    for path in paths:
        assert posixpath.dirname(path) == "/sessions"
        assert len(posixpath.basename(path).encode()) <= 255


@given(st.sampled_from(["nn", "nn.example", "[::1]", "[fd00::2]", ""]), st.lists(PARTS, min_size=1))
def test_a_path_in_hdfs_reaches_yarn_as_it_is(host: str, parts: list[str]):
    path = "/" + "/".join(parts)
    for port in ("", ":8020"):
        url = Url.parse(f"hdfs://{host}{port}{path}")
        assert (url.host, url.file) == (host, path)
        assert str(url) == f"hdfs://{host}{port}{path}"


@given(TEXTS)
def test_a_kernels_name_is_one_plain_word(title: str):
    assert re.fullmatch(r"yarnhub-[a-z0-9-]+", kernel_name(title))


@given(TEXTS.filter(lambda name: re.match(r"/|[A-Za-z0-9]", name) is None))
@pytest.mark.parametrize("owner", ["", "alice"])
def test_a_name_that_no_environment_can_have_is_refused_without_a_look(owner: str, name: str):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environments, "open_filesystem", lambda: None)
        patch.setattr(asyncio, "create_subprocess_exec", None)
        with pytest.raises(OptionsError):
            asyncio.run(find_environment(name, "/apps/envs", "hdfs://nn:8020", owner=owner))


@given(PARTS.filter(lambda name: name.isprintable() and name == name.strip()))
def test_a_refusal_names_a_queue_of_any_name(queue: str):
    message = f"Application application_1_0001 submitted by user alice to unknown queue: {queue}"
    refused = explain(message, "alice")
    assert refused is not None
    assert f"there is no queue {queue}" in refused.sentence
