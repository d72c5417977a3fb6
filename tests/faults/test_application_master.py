"""An application master that dies, and a server that says too much with its last words."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.containers import processes_of
from tests.hadoop.hub import Hub
from tests.hadoop.yarn_rest import application, running_applications
from yarnhub.minihadoop import MiniHadoop

LONGEST_MESSAGE = 5000


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_application_master_that_dies_before_its_server_listens_is_told_at_once(
    hub: Hub,
    hadoop: MiniHadoop,
    wait_until: Callable[..., Any],
    number: signal.Signals,
):
    message = hub.refuse_server(
        "alice",
        f"c.YarnSpawner.cmd = ['bash', '-c', 'kill -{number.value} $PPID; exec sleep 300']\n"
        "c.YarnSpawner.start_timeout = 300\n",
    )
    assert "before it was ready" in message
    assert "Exception" not in message
    assert running_applications(hadoop) == []
    application_id = max(
        line.split()[-3] for line in hub.log().splitlines() if "Submitting" in line
    )
    wait_until(lambda: not processes_of(application_id), 60, "the end of its processes")


def test_a_server_ends_with_its_application_master(
    hub: Hub,
    hadoop: MiniHadoop,
    wait_until: Callable[..., Any],
):
    application_id = hub.start_server("alice")
    # The container's shell, which replaced itself by the application master, came first.
    processes = map(psutil.Process, processes_of(application_id))
    min(processes, key=psutil.Process.create_time).send_signal(signal.SIGKILL)
    wait_until(lambda: not hub.api("GET", "users/alice")["servers"], 60, "the hub to notice")
    assert application(hadoop, application_id)["state"] == "FAILED"
    wait_until(lambda: not processes_of(application_id), 60, "the end of its processes")


def test_a_megabyte_of_last_words_in_one_line_is_cut(hub: Hub):
    shout = "head -c 1000000 /dev/zero | tr '\\\\0' x >&2; echo; echo The end. >&2; exit 1"
    message = hub.refuse_server("alice", f"c.YarnSpawner.cmd = ['bash', '-c', {shout!r}]\n")
    assert "The end." in message
    assert len(message) < LONGEST_MESSAGE
