"""A hub with many users."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.hadoop.hub import Hub
from yarnhub.minihadoop import MiniHadoop

USERS = tuple(f"user{number:02}" for number in range(15))
CONFIG = """
c.YarnSpawner.mem_limit = "64M"
c.JupyterHub.concurrent_spawn_limit = 10
c.JupyterHub.cleanup_servers = True
"""


#: asyncio's own threads, for files and names: as many as it takes at once, and no more than these.
THREADS_FOR_FILES = min(32, (os.cpu_count() or 1) + 4)


def threads_and_children(pid: int) -> tuple[int, int]:
    status = Path(f"/proc/{pid}/status").read_text()
    threads = int(re.findall(r"Threads:\s+(\d+)", status)[0])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return threads, len(children)


@pytest.mark.heavy
def test_a_hub_grows_by_no_thread_and_no_process_for_each_user(tmp_path: Path):
    with MiniHadoop(users=USERS, memory_mb=10240) as hadoop:
        hub = Hub(tmp_path, hadoop.env(), CONFIG)
        hub.start()
        try:
            with ThreadPoolExecutor(8) as people:
                assert len(list(people.map(hub.start_server, USERS[:8]))) == 8
                _, children = threads_and_children(hub.pid)
                applications = list(people.map(hub.start_server, USERS[8:]))
            assert len(set(applications)) == 7
            threads, children_later = threads_and_children(hub.pid)
            assert children_later == children
            assert threads <= 1 + THREADS_FOR_FILES
        finally:
            hub.stop()
