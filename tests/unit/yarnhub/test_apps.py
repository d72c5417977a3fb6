"""How `yarnhub apps` shows servers."""

from __future__ import annotations

from rich.console import Console

from yarnhub.apps import ListedServer, _table, age


def test_an_age_has_its_two_largest_units():
    assert [age(seconds) for seconds in (5, 65, 3660, 90000)] == [
        "5 s",
        "1 min 5 s",
        "1 h 1 min",
        "1 d 1 h",
    ]


def test_an_applications_name_does_not_act_on_the_terminal(capsys):
    server = ListedServer(
        *(
            "mallory",
            "\x1b]0;owned\x07\x1b[1A\x1b[2Kalice",
            "n1",
            1024,
            0,
            "RUNNING",
            "application_1_1",
        )
    )
    Console(width=200).print(_table([server]))
    shown = capsys.readouterr().out
    assert r"mallory/\x1b]0;owned\x07\x1b[1A\x1b[2Kalice" in shown
    assert "\x1b" not in shown
