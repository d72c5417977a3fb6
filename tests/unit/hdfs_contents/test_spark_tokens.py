"""What gives a Spark session its tokens goes on as long as the session does. Spark itself is the
test's; tests/kerberos/test_spark.py has the real one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import Queue
from types import SimpleNamespace
from typing import Any

import pytest

from hdfs_contents import spark


def test_an_unreadable_token_file_is_logged_and_the_next_one_is_used(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    wait_until: Callable[..., Any],
) -> None:
    monkeypatch.setattr(spark, "_CHECK_SECONDS", 0.01)
    given: Queue[bytes] = Queue()
    backend = SimpleNamespace(updateDelegationTokens=given.put)
    scala = SimpleNamespace(schedulerBackend=lambda: backend)
    context = SimpleNamespace(_jsc=SimpleNamespace(sc=lambda: scala))

    def point_to(path: Path) -> None:
        monkeypatch.setenv("HADOOP_TOKEN_FILE_LOCATION", str(path))

    for name in ("first", "later"):
        (tmp_path / name).write_bytes(name.encode())
    point_to(tmp_path / "first")
    spark.keep_tokens(SimpleNamespace(sparkContext=context))
    assert given.get(timeout=60) == b"first"
    point_to(tmp_path)  # a directory
    wait_until(lambda: "Could not give Spark" in caplog.text, 30, "it is logged")
    point_to(tmp_path / "later")
    assert given.get(timeout=60) == b"later"
    (updating,) = (thread for thread in threading.enumerate() if thread.name == "spark-tokens")
    context._jsc = None
    updating.join(60)
    assert not updating.is_alive()
    assert "\n" not in caplog.messages[0]
