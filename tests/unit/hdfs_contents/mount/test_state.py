"""What a killed daemon has recorded and left unanswered is found by the next one."""

from __future__ import annotations

import os
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from hdfs_contents.mount import state
from hdfs_contents.mount.protocol import REQUEST_SIZE
from hdfs_contents.mount.state import Journal, Record, Slots

RECORD = st.builds(Record, st.integers(1, 7), st.integers(0, 5), st.binary(max_size=50))


@settings(max_examples=50)
@given(st.lists(st.one_of(RECORD, st.sampled_from(["killed", "compacted"]))))
def test_the_latest_of_each_record_is_found(steps) -> None:
    file = os.memfd_create("state")
    alive: dict[tuple[int, int], bytes] = {}

    def opened() -> Journal:
        journal = Journal(file)
        found = {(record.kind, record.key): record.value for record in journal.replay()}
        assert found == alive
        journal.live = lambda: [Record(*key, value) for key, value in alive.items()]
        return journal

    journal = opened()
    for step in steps:
        if step == "killed":
            journal = opened()
        elif step == "compacted":
            journal.compact()
        else:
            alive[step.kind, step.key] = step.value
            journal.append(step)
    opened()
    os.close(file)


def test_a_journal_does_not_grow_for_ever() -> None:
    file = os.memfd_create("state")
    journal = Journal(file)
    last = Record(1, 1, b"")
    journal.live = lambda: [last]
    for number in range(3000):
        last = Record(1, 1, b"%d" % number * 500)
        journal.append(last)
    assert Journal(file).replay()[-1] == last
    assert os.fstat(file).st_blocks * 512 < 4 * state._COMPACT_BYTES
    os.close(file)


#: Appends records, whose bytes are all the same, until it is killed.
WRITER = """
import sys
from hdfs_contents.mount.state import Journal, Record
journal = Journal(int(sys.argv[1]))
number = 0
while True:
    number += 1
    journal.append(Record(1, number, bytes([number % 256]) * 300_000))
    print(number, flush=True)
"""


def test_no_half_of_a_record_is_left_by_a_killed_process() -> None:
    file = os.memfd_create("state")
    for _ in range(20):
        command = [sys.executable, "-c", WRITER, str(file)]
        process = subprocess.Popen(command, pass_fds=[file], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        process.kill()
        process.communicate()
        for record in Journal(file).replay():
            assert record.value == bytes([record.key % 256]) * 300_000
    os.close(file)


def test_a_request_is_in_its_slot_until_it_is_answered() -> None:
    file = os.memfd_create("state")
    slots = Slots(file)
    for number in (0, state.SLOTS - 1):
        slots[number][:8] = b"\x28\0\0\0\1\0\0\0"
    slots.clear(0)
    again = Slots(file)
    assert list(again.unanswered()) == [state.SLOTS - 1]
    assert bytes(again[state.SLOTS - 1][:8]) == b"\x28\0\0\0\1\0\0\0"


def test_a_slot_has_its_memory_before_a_request_is_read_into_it() -> None:
    file = os.memfd_create("state")
    slots = Slots(file)
    slots[1][:6] = b"before"
    slots.take_memory(1)
    assert os.fstat(file).st_blocks * 512 >= REQUEST_SIZE
    assert bytes(slots[1][:7]) == b"before\0"
    slots.free_memory(1)
    assert os.fstat(file).st_blocks * 512 < REQUEST_SIZE
    os.close(file)
