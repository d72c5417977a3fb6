from __future__ import annotations

import re
import shlex

import pytest
from tornado import web

from yarnspawner.failures import (
    AccountMissingError,
    ApplicationFailedError,
    ClusterUnavailableError,
    HomeMissingError,
    ImpersonationError,
    LocalizationError,
    OptionsError,
    QueueError,
    StartTimeoutError,
)


@pytest.mark.parametrize(
    "kind",
    [
        OptionsError,
        QueueError,
        ImpersonationError,
        LocalizationError,
        ApplicationFailedError,
        AccountMissingError,
        StartTimeoutError,
    ],
)
def test_what_a_user_may_cause_does_not_count_against_the_hub(kind):
    failure = kind("So it is.")
    assert isinstance(failure, web.HTTPError)
    assert failure.status_code < 500
    assert ClusterUnavailableError("So it is.").status_code == 503


def test_a_page_shows_the_sentence_and_the_output_as_text():
    failure = ApplicationFailedError("It <failed>.", "100 % <script>alert(1)</script>")
    assert failure.jupyterhub_message == str(failure)
    assert "<script>" not in failure.jupyterhub_html_message
    assert "&lt;script&gt;" in failure.jupyterhub_html_message
    # JupyterHub has it in a paragraph, which a block of ours would end.
    assert not re.search("<(p|pre|div)[ >]", failure.jupyterhub_html_message)
    assert failure.reason == "application"


def test_the_output_of_a_server_neither_acts_on_a_terminal_nor_forges_lines_of_a_log():
    failure = ApplicationFailedError(
        "It ended\x1b[2K\r\nforged.", "last\x1b]0;owned\x07\n[I 2026-11-30 JupyterHub] forged\tline"
    )
    assert str(failure).splitlines() == [
        r"It ended\x1b[2K\r\nforged.",
        "",
        r"    last\x1b]0;owned\x07",
        "    [I 2026-11-30 JupyterHub] forged\tline",
    ]
    assert "\x1b" not in failure.jupyterhub_html_message


def test_the_last_of_a_long_output_is_shown():
    failure = ApplicationFailedError("It ended.", "x" * 100_000 + "\x1b[31mthe cause")
    assert failure.output.endswith(r"\x1b[31mthe cause")
    assert len(str(failure)) < 10_000


def test_what_an_administrator_is_to_run_for_a_home_is_one_command_for_any_name():
    name = "a;reboot$(id)'b"
    sentence = HomeMissingError.of(name, f"/user/{name}", 0o750).sentence
    said = shlex.split(sentence[sentence.index("hdfs dfs") :])
    path = f"/user/{name}"
    assert said == [
        *("hdfs", "dfs", "-mkdir", "-p", path, "&&"),
        *("hdfs", "dfs", "-chown", name, path, "&&"),
        *("hdfs", "dfs", "-chmod", "750", path),
    ]
    assert "/user/alice && hdfs" in HomeMissingError.of("alice", "/user/alice", 0o700).sentence


def test_a_missing_home_for_a_name_with_a_backslash_names_the_hook_and_no_command():
    sentence = HomeMissingError.of(r"corp\erin", r"/user/corp\erin", 0o700).sentence
    assert "c.YarnSpawner.hadoop_name_hook" in sentence
    assert "-mkdir" not in sentence


def test_output_stays_short_when_its_control_characters_are_shown():
    message = str(ApplicationFailedError("It ended.", "\0" * 1_000_000 + "The end."))
    assert "The end." in message
    assert len(message) < 5000
