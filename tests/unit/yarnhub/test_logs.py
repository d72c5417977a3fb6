"""What a node tells of a container's log is taken out of what it puts around."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yarnhub.logs import contents

HEAD = "Container: container_1_1_01_1 on n1:1\nLogAggregationType: LOCAL\n===\nLogType:stderr\n"
FOOT = "End of LogType:stderr.This log file belongs to a running container.\n***\n\n"


@given(text=st.text())
def test_the_text_is_as_it_was_written(text):
    told = f"{HEAD}LogLength:7\nLogContents:\n{text}\n{FOOT}"
    assert contents(told, "stderr") == text


def test_of_an_empty_log_nothing_is_left():
    assert contents(f"{HEAD}LogLength:0\nLogContents:\n{FOOT}", "stderr") == ""


def test_what_no_node_has_put_anything_around_is_whole():
    assert contents("plain\ntext\n", "stderr") == "plain\ntext\n"
