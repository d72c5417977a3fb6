"""Text of servers and other users does not act on a log or a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.printable import LINES, printable

#: A title, a cleared line, a forged line of the hub's log, a reversed direction, a C1 sequence.
EVIL = (
    "\x1b]0;owned\x07\x1b[2K\r[I 2026-11-30 00:00:00.000 JupyterHub auth:1] admin logged in "
    "\u202egnp \x9b31m\x85\u2028"
)


def acts(text: str, keep: str = "") -> list[str]:
    """Return the characters that a terminal or a log's reader does not see."""
    hidden = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return [char for char in text if char not in keep and unicodedata.category(char) in hidden]


@given(text=st.text(), keep=st.sampled_from(["", LINES]), limit=st.none() | st.integers(1, 50))
def test_no_text_has_a_control_or_format_character_left(text, keep, limit):
    shown = printable(text, keep=keep, limit=limit)
    assert acts(shown, keep) == []
    assert limit is None or len(shown) <= limit
    assert printable(shown, keep=keep, limit=limit) == shown


@given(text=st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"]), max_size=100))
def test_ordinary_text_of_any_language_stays_as_it_is(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("one\r\ntwo\tthree", r"one\r\ntwo\tthree"),
        ("a\u202eb\u2028c\x85d", r"a\u202eb\u2028c\x85d"),
        ("\udcff of a file name", r"\udcff of a file name"),
        ("Grüße, 用户\u3000\xa0 1", "Grüße, 用户\u3000\xa0 1"),
    ],
)
def test_a_character_that_acts_is_shown_as_an_escape(text, shown):
    assert printable(text) == shown


def test_lines_and_tabs_are_kept_on_request():
    assert printable("a\tb\nc\x1b", keep=LINES) == "a\tb\nc\\x1b"


def test_a_long_text_is_cut_off_visibly():
    assert printable("x" * 11, limit=10) == "x" * 9 + "…"
    assert printable("x" * 10, limit=10) == "x" * 10
