"""A container's log is extracted from the page of its node."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yarnhub.logs import _print, contents

HEAD = "Container: container_1_1_01_1 on n1:1\nLogAggregationType: LOCAL\n===\nLogType:stderr\n"
FOOT = "End of LogType:stderr.This log file belongs to a running container.\n***\n\n"


@given(text=st.text())
def test_a_log_is_returned_unchanged(text):
    page = f"{HEAD}LogLength:7\nLogContents:\n{text}\n{FOOT}"
    assert contents(page, "stderr") == text


def test_an_empty_log_is_an_empty_text():
    assert contents(f"{HEAD}LogLength:0\nLogContents:\n{FOOT}", "stderr") == ""


def test_text_without_header_and_footer_is_returned_whole():
    assert contents("plain\ntext\n", "stderr") == "plain\ntext\n"


def test_output_does_not_act_on_the_terminal(capsys):
    _print("stderr", "one\ttwo\r\n\x1b]0;owned\x07\x9b2Kthree 用户\n", 0)
    assert capsys.readouterr().out == "one\ttwo\n\\x1b]0;owned\\x07\\x9b2Kthree 用户\n"
