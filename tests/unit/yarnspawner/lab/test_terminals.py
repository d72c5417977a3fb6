"""In a terminal the programs are those of the server, and the variables of a log-in are there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from jupyter_server.serverapp import ServerApp

from yarnspawner.lab import extension
from yarnspawner.lab.facts import FACTS_VARIABLE
from yarnspawner.lab.terminals import shell_command


def make_shell(file: Path) -> Path:
    """A shell that shows what it finds."""
    file.write_text('#!/bin/sh\necho "$(command -v tool) $LOGGED_IN"\n')
    file.chmod(0o755)
    return file


def test_a_terminals_shell_has_the_servers_path_after_the_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = make_shell(tmp_path / "tool")
    (tmp_path / ".profile").write_text("PATH=/usr/bin:/bin LOGGED_IN=yes; export LOGGED_IN\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SHELL", str(make_shell(tmp_path / "shell")))
    monkeypatch.setenv(FACTS_VARIABLE, "{}")
    app = ServerApp()
    extension._link_jupyter_server_extension(app)
    command = app.terminado_settings["shell_command"]
    assert subprocess.check_output(command, text=True).split() == [str(tool), "yes"]


def test_without_a_configured_shell_a_terminal_is_bash_where_there_is_one(tmp_path: Path) -> None:
    assert shell_command({"PATH": str(tmp_path)})[-1] == "sh"
    bash = make_shell(tmp_path / "bash")
    assert shell_command({"PATH": str(tmp_path)})[-1] == str(bash)
    assert shell_command({"PATH": str(tmp_path), "SHELL": "/bin/zsh"})[-1] == "/bin/zsh"


def test_a_shell_that_an_administrator_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FACTS_VARIABLE, "{}")
    app = ServerApp(terminado_settings={"shell_command": ["fish"]})
    extension._link_jupyter_server_extension(app)
    assert app.terminado_settings == {"shell_command": ["fish"]}


def test_servers_that_are_not_on_yarn_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FACTS_VARIABLE, raising=False)
    app = ServerApp()
    extension._link_jupyter_server_extension(app)
    assert app.terminado_settings == {}
