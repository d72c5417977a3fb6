"""The `yarnhub` command: its help, its errors and its exit codes."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from yarnhub import cli

ROOT = Path(__file__).parents[3]


def yarnhub(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yarnhub", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


def test_help_names_the_commands_and_the_exit_codes():
    done = yarnhub("--help")
    assert done.returncode == 0
    for word in ("demo", "pack-env", "minihadoop", "Exit codes", "130"):
        assert word in done.stdout


def all_commands(command: Any, *words: str) -> Iterator[list[str]]:
    yield list(words)
    for name, inner in getattr(command, "commands", {}).items():
        yield from all_commands(inner, *words, name)


def paragraphs(lines: list[str]) -> Iterator[list[str]]:
    """Yield runs of lines that are not empty."""
    for filled, run in itertools.groupby(lines, key=bool):
        if filled:
            yield list(run)


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize(
    "command", list(all_commands(typer.main.get_command(cli.app))), ids=" ".join
)
def test_help_fits_the_terminal_with_full_lines_and_whole_sentences(command, columns):
    # As for a terminal: with a margin of two columns.
    shown = CliRunner().invoke(cli.app, [*command, "--help"], terminal_width=columns - 2)
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert not [line for line in lines if line.endswith(("…", " ..."))]
    assert not [line for line in lines if re.search(r"\w\.\.\.$", line)]
    first_table = next(n for n, line in enumerate(lines) if re.fullmatch(r"[A-Z]\w+:", line))
    for paragraph in list(paragraphs(lines[:first_table]))[1:]:  # after the usage
        for line, following in itertools.pairwise(paragraph):
            assert len(line) + 1 + len(following.split()[0]) > columns - 2, "a line is cut short"


def test_wrong_arguments_are_one_sentence_after_the_usage():
    done = yarnhub("envs", "list", "--no-such-option")
    usage, hint, empty, error = done.stderr.splitlines()
    assert usage.startswith("Usage: ")
    assert hint.startswith("Try ")
    assert (empty, error) == ("", "Error: No such option: --no-such-option")


#: What JupyterHub imports, and what only servers and their tests need.
SERVER_PACKAGES = {
    *("jupyterhub", "tornado", "traitlets", "sqlalchemy", "prometheus_client", "asyncio"),
    *("conda_pack", "yarnhub.minihadoop.cluster", "yarnhub.probes"),
}

IMPORTED_BY = """
import sys
from yarnhub import cli
sys.argv[0] = "yarnhub"
try:
    cli.main()
except SystemExit:
    print("MODULES", *sys.modules)
"""


def imported_by(folder: Path, *arguments: str) -> set[str]:
    """Return all modules of a process that has run a command with an empty HADOOP_CONF_DIR."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED_BY, *arguments],
        cwd=ROOT,
        env={**os.environ, "HADOOP_CONF_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    output, _, modules = done.stdout.rpartition("MODULES")
    assert output or done.stderr, "the command reported nothing"
    return set(modules.split())


@pytest.mark.parametrize(
    "command", [["--help"], ["pack-env", "--help"], ["envs", "list", "--help"]]
)
def test_help_imports_nothing_slow(command, tmp_path):
    slow = SERVER_PACKAGES | {"hdfs_native", "env_packaging.pack", "yarnspawner", "ssl"}
    assert imported_by(tmp_path, *command) & slow == set()


@pytest.mark.parametrize(
    "command", [["apps"], ["logs", "alice"], ["stop", "alice", "--yes"], ["check", "rm", "hdfs"]]
)
def test_a_command_that_calls_yarn_imports_neither_jupyterhub_nor_an_hdfs_client(command, tmp_path):
    assert imported_by(tmp_path, *command) & (SERVER_PACKAGES | {"hdfs_native"}) == set()


@pytest.mark.parametrize("command", [["list"], ["gc"], ["verify", "lab"], ["remove", "lab"]])
def test_a_command_on_environments_does_not_import_jupyterhub(command, tmp_path):
    assert imported_by(tmp_path, "envs", *command) & SERVER_PACKAGES == set()


@pytest.mark.parametrize(
    ("shell", "variables"),
    [
        ("bash", {"COMP_WORDS": "yarnhub envs wa", "COMP_CWORD": "2"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "yarnhub envs wa"}),
        (
            "fish",
            {"_TYPER_COMPLETE_ARGS": "yarnhub envs wa", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        ),
    ],
)
def test_a_shell_completes_the_commands(shell, variables):
    script = "from yarnhub import cli; cli.app(prog_name='yarnhub')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "_YARNHUB_COMPLETE": f"complete_{shell}", **variables},
        capture_output=True,
        text=True,
    )
    assert "warm" in done.stdout, done.stderr
    assert "verify" not in done.stdout


def test_the_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert yarnhub("--version").stdout == f"yarnhub {version('yarnhub')}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["check", "no-such-check"],
        ["check", "contents", "notebooks"],
        ["minihadoop", "up", "--nodemanagers", "none"],
        ["minihadoop", "up", "--datanodes", "0"],
        ["minihadoop", "up", "--port", "80"],
        ["minihadoop", "down", "--force"],
    ],
)
def test_wrong_arguments_end_with_2_and_start_nothing(arguments, tmp_path):
    done = yarnhub(*arguments, XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", [["config", "--output"], ["config", "--unit"], ["demo", "--allow-root", "--report"]]
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_done(command, tmp_path):
    file = tmp_path / "absent" / "file"
    done = yarnhub(*command, str(file), HADOOP_CONF_DIR=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.endswith(f"{file} cannot be written. Choose a file in another directory.\n")


def test_the_status_of_a_missing_cluster_is_one_line(tmp_path):
    done = yarnhub("minihadoop", "status", XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == (
        f"There is no embedded Hadoop in {tmp_path}/yarnhub/minihadoop. `yarnhub minihadoop up` "
        "starts one.\n"
    )
    assert yarnhub("minihadoop", "down", XDG_STATE_HOME=str(tmp_path)).returncode == 0


def test_an_hdfs_that_does_not_answer_leads_to_the_check_that_names_its_address(tmp_path):
    value = "<property><name>fs.defaultFS</name><value>hdfs://127.0.0.1:1</value></property>"
    (tmp_path / "core-site.xml").write_text(f"<configuration>{value}</configuration>")
    done = yarnhub("envs", "list", HADOOP_CONF_DIR=str(tmp_path), HADOOP_USER_NAME="alice")
    assert done.returncode == 6
    assert done.stderr.endswith("`yarnhub check hdfs` shows the addresses that do not answer.\n")


def test_no_exports_are_printed_for_a_missing_cluster(tmp_path):
    done = yarnhub("minihadoop", "env", "--state-dir", str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""


def test_without_java_the_error_names_what_to_install(tmp_path):
    where = ["--allow-root", "--state-dir", str(tmp_path)]
    done = yarnhub("minihadoop", "up", *where, JAVA_HOME=str(tmp_path))
    assert done.returncode == 3
    assert f"JAVA_HOME is {tmp_path}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("package", ["conda_pack", "hdfs_native"])
def test_packing_without_a_required_package_names_what_to_install(package, tmp_path):
    script = f"import sys; sys.modules[{package!r}] = None; from yarnhub import cli; cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "pack-env", str(tmp_path), "--name", "science"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3
    assert package in done.stderr
    assert done.stderr.endswith("pip install 'yarnhub[pack]'.\n")
    assert len(done.stderr.splitlines()) == 1


class UserError(Exception):
    exit_code = 4


def run_main(monkeypatch, error: BaseException) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    cli.main()


def test_an_error_with_an_exit_code_becomes_one_line(monkeypatch, capsys):
    with pytest.raises(SystemExit) as end:
        run_main(monkeypatch, UserError("There is no [bold]such[/bold] thing."))
    assert end.value.code == 4
    assert capsys.readouterr() == ("", "There is no [bold]such[/bold] thing.\n")


def test_another_exception_shows_its_traceback(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        run_main(monkeypatch, ZeroDivisionError())
