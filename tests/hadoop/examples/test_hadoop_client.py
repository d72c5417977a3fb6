"""The programs in examples/ and docs/hadoop_client.md that need no hub, on the embedded Hadoop."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.hdfs.native import NativeFileSystem
from tests.hadoop.yarn_rest import application, running_applications
from yarnhub.minihadoop import MiniHadoop

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
PROGRAMS = re.findall(
    r"```python\n(.*?)```", (ROOT / "docs" / "hadoop_client.md").read_text(), re.S
)

Environment = dict[str, str]


@pytest.fixture
def alice(hadoop: MiniHadoop) -> Environment:
    """The environment of alice's programs on the edge node."""
    variables = {"PYTHONPATH": str(ROOT), **hadoop.env(), **hadoop.identity("alice")}
    return {**os.environ, **variables}


@pytest.fixture
def home(hadoop: MiniHadoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[NativeFileSystem]:
    """HDFS for alice, whose home has the same files after the test as before."""
    for name, value in {**hadoop.env(), **hadoop.identity("alice")}.items():
        monkeypatch.setenv(name, value)
    fs = NativeFileSystem(None, 20)
    before = fs.list_dir("/user/alice")
    yield fs
    assert fs.list_dir("/user/alice") == before


def run(environment: Environment, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )


def submit(environment: Environment, *command: str) -> subprocess.CompletedProcess[str]:
    example = str(EXAMPLES / "yarn_submit.py")
    return run(environment, example, "--python", sys.executable, *command)


@pytest.mark.usefixtures("home")
def test_a_command_runs_on_yarn_with_its_arguments_unchanged(
    hadoop: MiniHadoop, alice: Environment
):
    special = """a "b" $HOME `c` 'd' \\ <LOG_DIR> {{PWD}} é"""
    compare = f"""test "$1" = '{special.replace("'", "'" + '"' + "'" + '"' + "'")}'"""
    done = submit(alice, "sh", "-c", compare, "sh", special)
    assert done.returncode == 0, done.stderr
    application_id, *rest = done.stdout.splitlines()
    assert rest == ["FINISHED SUCCEEDED", "sh ended with exit code 0."]
    report = application(hadoop, application_id)
    assert (report["user"], report["name"], report["finalStatus"]) == ("alice", "sh", "SUCCEEDED")


@pytest.mark.usefixtures("home")
def test_a_command_that_fails_is_an_application_that_failed(alice: Environment):
    done = submit(alice, "sh", "-c", "exit 3")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1:] == ["FINISHED FAILED", "sh ended with exit code 3."]


@pytest.mark.usefixtures("home")
def test_an_application_that_yarn_rejects_has_diagnostics(alice: Environment):
    done = submit(alice, "--queue", "nowhere", "true")
    assert done.returncode == 1
    assert done.stdout.splitlines()[1] == "FAILED FAILED"
    assert done.stdout.endswith("unknown queue: nowhere\n")


@pytest.mark.usefixtures("home")
def test_a_submission_that_yarn_refuses_is_one_sentence(alice: Environment):
    done = submit(alice, "--memory-mb", "1000000", "true")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("InvalidResourceRequestException: ")
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("home")
def test_an_interrupted_program_kills_its_application(
    hadoop: MiniHadoop, alice: Environment, wait_until: Callable[..., Any]
):
    command = [sys.executable, str(EXAMPLES / "yarn_submit.py"), "--python", sys.executable]
    process = subprocess.Popen(
        [*command, "sleep", "600"], env=alice, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process:
        application_id = process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) != 0
    wait_until(
        lambda: application(hadoop, application_id)["state"] == "KILLED", 60, "the end of it"
    )
    assert running_applications(hadoop) == []


def test_a_directory_tree_is_listed_with_sizes(alice: Environment, home: NativeFileSystem):
    home.mkdirs("/user/alice/walk/deep/empty")
    for path, size in (("a", 5), ("deep/b", 1_234_567)):
        with home.open_write(f"/user/alice/walk/{path}") as file:
            file.write(bytes(size))
    try:
        done = run(alice, str(EXAMPLES / "hdfs_walk.py"), "/user/alice/walk")
    finally:
        home.delete("/user/alice/walk", recursive=True)
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["5", "/user/alice/walk/a"],
        ["1,234,567", "/user/alice/walk/deep/b"],
        ["1,234,572", "in", "2", "files"],
    ]


def test_a_directory_that_does_not_exist_is_one_sentence(alice: Environment):
    done = run(alice, str(EXAMPLES / "hdfs_walk.py"), "/nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "/nowhere: there is no such file or directory\n"


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
@pytest.mark.usefixtures("home")
def test_each_program_of_the_page_runs(hadoop: MiniHadoop, alice: Environment, number: int):
    done = run(alice, "-c", PROGRAMS[number])
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert running_applications(hadoop) == []
