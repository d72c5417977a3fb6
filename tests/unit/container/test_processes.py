"""The order in which a container's processes end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from yarnspawner.container.payload import Launch
from yarnspawner.launch.program import build_payload

#: A kernel that ignores SIGTERM, and a daemon that tells at SIGTERM whether the kernel lives.
MASTER = """
import os, signal, subprocess, sys
from yarnspawner.container import processes as module

KERNEL = '''
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
signal.pause()
'''
DAEMON = '''
import os, signal, sys
def told(*_):
    state = open(f"/proc/{sys.argv[1]}/stat").read().rpartition(")")[2].split()[0]
    # Not print: the signal may come while "ready" is being printed.
    os.write(1, b"kernel is gone" if state == "Z" else b"kernel is there")
    os.kill(int(sys.argv[1]), signal.SIGKILL)  # which would have been waited for
    sys.exit()
signal.signal(signal.SIGTERM, told)
print("ready", flush=True)
while True:
    signal.pause()
'''

def start(code, *arguments):
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout.readline() == b"ready\\n"
    return process

kernel = start(KERNEL)
daemon = start(DAEMON, str(kernel.pid))
processes = module.ContainerProcesses()
if sys.argv[1] == "last":
    processes.last = daemon.pid
else:
    module.GRACE_SECONDS = 60.0  # the daemon is not killed before it has told
processes.end(0.1)
print(daemon.stdout.read().decode().strip())
"""


#: A container's first process: it takes 64 MiB, and has a child that measures its session.
CONTAINER = """
import subprocess, sys
memory = bytearray(64 << 20)
memory[::4096] = b"x" * len(memory[::4096])
child = "import os; from yarnspawner.container.processes import resident_bytes as measure; "
child += "print(measure(os.getsid(0)))"
subprocess.run([sys.executable, "-c", child], check=True)
"""


def test_the_memory_is_that_of_a_process_and_all_below_it():
    output = subprocess.check_output([sys.executable, "-c", CONTAINER], start_new_session=True)
    assert 64 << 20 < int(output) < 256 << 20


@pytest.mark.parametrize(
    ("order", "told"), [("last", "kernel is gone"), ("any", "kernel is there")]
)
def test_the_mounts_daemon_ends_when_no_kernel_needs_it(tmp_path: Path, order: str, told: str):
    payload = tmp_path / "payload"
    payload.write_bytes(build_payload(Launch([], {}, [])))
    output = subprocess.check_output(
        [sys.executable, "-c", MASTER, order],
        env={
            "PATH": os.environ["PATH"],
            "CONTAINER_ID": f"container_{tmp_path}",
            "PYTHONPATH": str(payload),
        },
        cwd=tmp_path,
        text=True,
        start_new_session=True,
    )
    assert output.strip() == told
