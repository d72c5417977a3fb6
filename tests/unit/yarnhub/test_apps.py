"""How `yarnhub apps` shows servers."""

from __future__ import annotations

import time

import pytest
from rich.console import Console

from yarnhub.apps import ListedServer, _table
from yarnhub.format import age


def test_an_age_has_its_largest_unit():
    assert [age(seconds) for seconds in (-1, 5, 65, 3660, 90000)] == ["0s", "5s", "1m", "1h", "1d"]


@pytest.mark.parametrize("columns", [80, 60])
def test_an_application_id_stays_on_one_line(columns, capsys):
    application_id = "application_1795671901358_0003"
    now = int(time.time() * 1000)
    server = ListedServer(
        "alice", "second", "n1.example", 2176, 312, now, "RUNNING", application_id
    )
    Console(width=columns).print(_table([server], columns))
    shown = capsys.readouterr().out
    assert application_id in shown
    assert "alice/second" in shown
    assert ("n1.example" in shown) == (columns == 80)
    assert ("312/2176" in shown) == (columns == 80)


@pytest.mark.parametrize(
    ("memory_mb", "used_mb", "shown"), [(1104, None, "-/1104"), (0, None, " - ")]
)
def test_memory_that_is_not_known_is_not_invented(memory_mb, used_mb, shown, capsys):
    server = ListedServer("alice", "", "n1", memory_mb, used_mb, 0, "RUNNING", "application_1_1")
    Console(width=100).print(_table([server], 100))
    assert shown in capsys.readouterr().out


def test_an_applications_name_does_not_act_on_the_terminal(capsys):
    server = ListedServer(
        *(
            "mallory",
            "\x1b]0;owned\x07\x1b[1A\x1b[2Kalice",
            "n1",
            1024,
            None,
            0,
            "RUNNING",
            "application_1_1",
        )
    )
    Console(width=200).print(_table([server], 200))
    shown = capsys.readouterr().out
    assert r"mallory/\x1b]0;owned\x07\x1b[1A\x1b[2Kalice" in shown
    assert "\x1b" not in shown
