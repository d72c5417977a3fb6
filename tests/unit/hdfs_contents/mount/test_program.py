"""The program that serves a mount, without a mount: its device is a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

SITE = (
    "<configuration><property><name>fs.defaultFS</name>"
    "<value>hdfs://127.0.0.1:1</value></property></configuration>"
)


def test_it_ends_with_the_holder_of_its_device_and_not_by_a_signal(
    tmp_path: Path, wait_until: Callable[..., object]
):
    (tmp_path / "core-site.xml").write_text(SITE)
    (device, _), (lifeline, holder) = os.pipe(), os.pipe()
    state = os.memfd_create("state")
    options = {"--device": device, "--state": state, "--lifeline": lifeline}
    with subprocess.Popen(
        [sys.executable, "-m", "hdfs_contents.mount"]
        + [f"{option}={number}" for option, number in options.items()],
        env={**os.environ, "HADOOP_CONF_DIR": str(tmp_path), "HADOOP_USER_NAME": "alice"},
        cwd=tmp_path,
        pass_fds=tuple(options.values()),
        stderr=subprocess.PIPE,
    ) as program:
        os.close(lifeline)
        wait_until((tmp_path / "hdfs-staging").exists, 60, "the program to serve")
        program.terminate()
        # Its holder is killed: the writing end is closed, and then the program alone has the pipe.
        os.close(holder)
        _, errors = program.communicate(timeout=60)
        assert (program.returncode, errors) == (1, b"")


def test_it_says_once_that_hdfs_cannot_be_opened(tmp_path: Path):
    (tmp_path / "core-site.xml").write_text(SITE.replace("hdfs://127.0.0.1:1", "s3a://bucket"))
    done = subprocess.run(
        [sys.executable, "-m", "hdfs_contents.mount", "--device=0", "--state=0"],
        env={**os.environ, "HADOOP_CONF_DIR": str(tmp_path), "HADOOP_USER_NAME": "alice"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == os.EX_CONFIG
    assert done.stderr.startswith("HDFS cannot be mounted: ")
    assert done.stderr.count("\n") == 1
