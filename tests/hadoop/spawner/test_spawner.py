"""YarnSpawner in a real hub, on the embedded Hadoop."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.security.credentials import Credentials
from tests.hadoop.hub import LIGHT_SERVER, Hub, Person
from tests.hadoop.local_files import contents_of, files_below
from tests.hadoop.yarn_rest import application, end_application, running_applications
from yarnhub.minihadoop import MiniHadoop
from yarnspawner.container.payload import SECRET_ALIAS, Launch

# Everything that a shell, a script or a template could read as its own.
ODD = {
    "ODD_JSON": '{"a": ["b", "c d"], "e": "\\"f\\""}',
    "ODD_SHELL": "$(touch /tmp/yarnhub-was-here) `id` ${HOME} $HOME 'a' \"b\" \\ ; & | > <",
    "ODD_LINES": "one\ntwo\r\n\tthree",
    "ODD_YARN": "{{PWD}} <LOG_DIR> <CPS>",
    "ODD_TEXT": "naïve, 数据, 🐘",
}

STATE_UNKNOWN = "JupyterHub cannot tell whether it is still running"


def waiting_for(file: Path) -> str:
    """Configure a server that listens as soon as there is this file."""
    return f"c.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}, 'wait', {str(file)!r}]\n"


@pytest.mark.smoke
def test_a_server_is_an_application_of_its_user(hub: Hub, hadoop: MiniHadoop):
    application_id = hub.start_server("alice")
    seen = application(hadoop, application_id)
    assert seen["state"] == "RUNNING"
    assert seen["user"] == "alice"
    assert seen["name"] == "jupyterhub-alice"
    assert seen["allocatedMB"] == 256 + 128  # 256 + 32 MiB, in the cluster's steps of 128
    assert hub.get("/user/alice/api").json() == {"version": "light"}


@pytest.mark.smoke
def test_a_stopped_server_is_a_killed_application_with_the_reason(hub: Hub, hadoop: MiniHadoop):
    application_id = hub.start_server("alice")
    hub.stop_server("alice")
    seen = application(hadoop, application_id)
    assert seen["state"] == "KILLED"
    assert "stopped in JupyterHub" in seen["diagnostics"]


@pytest.mark.smoke
def test_progress_tells_what_yarn_is_doing(hub: Hub, tmp_path: Path):
    told = tmp_path / "told"
    hub.ask_for_server("alice", waiting_for(told))
    messages: list[str] = []
    for event in hub.events("alice"):
        messages.append(event["message"])
        if " on node " in messages[-1]:
            told.touch()  # once the server is ready, nothing but that is told
    assert any("application_" in message or "queue" in message for message in messages), messages
    assert told.exists(), messages
    assert "ready" in messages[-1]


@pytest.mark.smoke
def test_the_environment_arrives_as_it_was_and_nothing_runs(hub: Hub):
    hub.start_server("alice", config=f"c.YarnSpawner.environment = {ODD!r}\n")
    seen = hub.environment_of("alice")
    assert {name: seen[name] for name in ODD} == ODD
    assert not Path("/tmp/yarnhub-was-here").exists()
    assert seen["HADOOP_USER_NAME"] == "alice"
    assert seen["MEM_LIMIT"] == str(256 << 20)
    assert seen["HOME"].startswith(seen["PWD"])


def test_the_arguments_arrive_as_they_were(hub: Hub):
    args = ['a "b" $(id) `id`', "{{PWD}}", "数据", ""]
    hub.start_server("alice", config=f"c.YarnSpawner.args = {args!r}\n")
    assert hub.get("/user/alice/environment").json()["argv"][1:] == args


def test_no_token_is_anywhere_but_in_yarns_own_private_files(hub: Hub, hadoop: MiniHadoop):
    application_id = hub.start_server("alice")
    environment = hub.environment_of("alice")
    private = Path(environment["HADOOP_TOKEN_FILE_LOCATION"])
    token, key = environment["JUPYTERHUB_API_TOKEN"], Launch.read(str(private)).key
    secrets = [token.encode(), key, key.hex().encode(), base64.b64encode(key)]
    places = {
        Path("report"): json.dumps(application(hadoop, application_id)).encode(),
        **dict(contents_of([hub.log_file, *Path("/proc").glob("[0-9]*/cmdline")])),
    }
    contents = dict(contents_of(files_below(hadoop.state.folder)))
    for path, content in [*places.items(), *contents.items()]:
        assert not any(secret in content for secret in secrets), path
    assert b"[D " in places[hub.log_file]
    # The payload has them compressed: where the container reads it, and YARN keeps credentials.
    payload = Credentials.from_bytes(contents[private]).secrets[SECRET_ALIAS]
    assert private.stat().st_mode & 0o077 == 0
    holders = {path for path, content in contents.items() if payload in content}
    for path in holders - {private}:
        assert {"nmPrivate", "rm-state"} & set(path.parts), path


def test_named_servers_run_side_by_side(hub: Hub, hadoop: MiniHadoop):
    first = hub.start_server("alice")
    second = hub.start_server("alice", "second")
    assert first != second
    hub.stop_server("alice")
    assert application(hadoop, second)["state"] == "RUNNING"
    assert hub.get("/user/alice/second/api").is_success


@pytest.mark.smoke
def test_a_hub_that_was_killed_finds_its_servers_again(
    hub: Hub, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    application_id = hub.start_server("alice")
    hub.kill()
    hub.start()
    assert hub.application_of("alice") == application_id
    wait_until(lambda: hub.get("/user/alice/api").is_success, 30, "the way to the server")
    assert "is kept" not in hub.log()  # its address was checked, and it answered
    hub.stop_server("alice")
    assert application(hadoop, application_id)["state"] == "KILLED"


def test_a_hub_that_was_killed_in_the_middle_of_a_start_goes_on_with_it(
    hub: Hub, hadoop: MiniHadoop, tmp_path: Path, wait_until: Callable[..., Any]
):
    go = tmp_path / "go"
    hub.ask_for_server("alice", waiting_for(go))
    (pending,) = wait_until(lambda: running_applications(hadoop), 30, "the application")
    hub.kill()
    hub.start()
    assert hub.application_of("alice") == pending["id"]
    go.touch()
    wait_until(lambda: hub.get("/user/alice/api").is_success, 30, "the server to be ready")
    (running,) = running_applications(hadoop)
    assert running["id"] == pending["id"]


def test_a_stop_in_the_middle_of_a_start_ends_the_application(
    hub: Hub, hadoop: MiniHadoop, tmp_path: Path, wait_until: Callable[..., Any]
):
    hub.ask_for_server("alice", waiting_for(tmp_path / "never"))
    wait_until(lambda: running_applications(hadoop), 30, "the application")
    hub.api("DELETE", "users/alice/server", ok=False)
    wait_until(lambda: not running_applications(hadoop), 30, "its end")


def test_a_start_that_takes_too_long_is_told_and_leaves_nothing(
    hub: Hub, hadoop: MiniHadoop, tmp_path: Path
):
    never = waiting_for(tmp_path / "never")
    message = hub.refuse_server("alice", f"{never}c.YarnSpawner.start_timeout = 8\n")
    assert "not ready within 8 seconds" in message
    assert running_applications(hadoop) == []


def test_a_server_that_ends_by_itself_is_a_finished_application(
    hub: Hub, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    application_id = hub.start_server("alice")
    hub.get("/user/alice/end")
    wait_until(
        lambda: not hub.api("GET", "users/alice")["servers"], 30, "the hub to notice the end"
    )
    seen = application(hadoop, application_id)
    assert (seen["state"], seen["finalStatus"]) == ("FINISHED", "SUCCEEDED")


def test_a_server_that_is_killed_in_yarn_is_noticed(
    hub: Hub, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    application_id = hub.start_server("alice")
    end_application(hadoop, application_id)
    wait_until(
        lambda: not hub.api("GET", "users/alice")["servers"], 30, "the hub to notice the end"
    )


def test_a_resourcemanager_that_is_away_ends_no_server(
    hub: Hub, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    application_id = hub.start_server("alice")
    alice = Person(hub, "alice", "/hub/home")

    def page() -> str:
        return alice.http.get("/hub/yarn/not-responding?url=/user/alice/").text

    hadoop.resourcemanager.stop()
    try:
        wait_until(lambda: "is unknown for now" in hub.log(), 60, "the hub to miss YARN")
        message = hub.refuse_server("bob")
        assert "YARN does not answer" in message
        assert "Traceback" not in message
        assert hub.get("/user/alice/api").is_success
        wait_until(lambda: STATE_UNKNOWN in page(), 60, "the page to say so")
    finally:
        hadoop.resourcemanager.start()
        hadoop.wait_ready()
    assert hub.application_of("alice") == application_id
    wait_until(lambda: STATE_UNKNOWN not in page(), 30, "the page to know")
    wait_until(
        lambda: application(hadoop, application_id)["state"] == "RUNNING", 60, "the recovery"
    )


@pytest.mark.parametrize(
    ("extra_config", "user", "said"),
    [
        ("", "mallory", "does not let JupyterHub act for mallory"),
        ("c.YarnSpawner.queue = 'nope'", "alice", "there is no queue nope"),
        ("c.YarnSpawner.queue = 'root'", "alice", "queue root is divided into other queues"),
        ("c.YarnSpawner.mem_limit = None", "alice", "mem_limit"),
        ("c.YarnSpawner.mem_limit = '900G'", "alice", "at most"),
        ("c.YarnSpawner.cpu_limit = 1000", "alice", "at most"),
        ("c.YarnSpawner.python_env = ''", "alice", "python_env"),
        ("c.YarnSpawner.python_env = 'no-such-env'", "alice", "no-such-env"),
        ("c.YarnSpawner.python_env = '/opt/nothing'", "alice", "python_env"),
        ("c.YarnSpawner.cmd = ['no-such-command']", "alice", "no-such-command"),
        (f"c.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}, 'fail', 'So it is.']", "alice", "So it is."),
        (f"c.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}, 'leave', 'I left.']", "alice", "I left."),
    ],
)
def test_what_can_not_start_is_told_in_a_sentence_and_leaves_nothing(
    hub: Hub, hadoop: MiniHadoop, extra_config: str, user: str, said: str
):
    message = hub.refuse_server(user, extra_config)
    assert said in message
    for word in ("Traceback", "\tat ", "Exception", "None"):
        assert word not in message, message
    assert running_applications(hadoop) == []


@pytest.mark.smoke
def test_the_last_words_of_a_failing_server_hold_no_token(hub: Hub):
    fails = f"c.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}, 'fail', 'Token:']\n"
    assert "Token: [JUPYTERHUB_API_TOKEN]" in hub.refuse_server("alice", fails)
