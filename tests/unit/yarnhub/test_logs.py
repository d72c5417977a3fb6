"""A container's log is extracted from the page of its node."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yarnhub.logs import _print
from yarnspawner.node_logs import contents, new_output

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


def page_of(text: bytes, length: int) -> bytes:
    """A node's answer with the end of a stream of that length."""
    head = f"LogType:stdout\nLogLength:{length}\nLogContents:\n".encode()
    return head + text + b"\nEnd of LogType:stdout\n"


def test_only_what_is_new_of_a_stream_is_printed():
    assert new_output(page_of(b"one\n", 4), "stdout", 0) == ("one\n", 4)
    assert new_output(page_of(b"one\ntwo\n", 8), "stdout", 4) == ("two\n", 8)
    assert new_output(page_of(b"one\ntwo\n", 8), "stdout", 8) == ("", 8)


def test_what_a_node_left_out_is_skipped():
    assert new_output(page_of(b"last\n", 1_000_000), "stdout", 4) == ("last\n", 1_000_000)


def test_a_character_of_several_bytes_is_counted_in_bytes():
    text = "数据\n".encode()
    assert new_output(page_of(text, len(text)), "stdout", 3) == ("据\n", len(text))


def test_a_stream_of_an_unknown_length_is_printed_once():
    assert new_output(b"plain\n", "stdout", 0) == ("plain\n", 6)
    assert new_output(b"plain\n", "stdout", 6) == ("", 6)
