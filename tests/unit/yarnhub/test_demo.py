"""What the demo prints."""

from __future__ import annotations

import subprocess

from yarnhub.demo.demo import look_inside


def test_the_printed_command_looks_for_the_demos_own_hadoop(tmp_path):
    folder = tmp_path / "a state directory"
    _, command, *_ = look_inside(folder).splitlines()
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == f"There is no embedded Hadoop in {folder}.\n"
