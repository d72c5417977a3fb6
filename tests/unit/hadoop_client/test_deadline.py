"""Calls that hang do not block their callers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from hadoop_client.hdfs import deadline as module
from hadoop_client.hdfs.deadline import Deadline

SOON = 0.05
NEVER = 60.0


class Hung:
    """A call that hangs until the test ends it."""

    def __init__(self) -> None:
        self.end = threading.Event()
        #: Set when the latest call hangs or has ended.
        self.settled = threading.Event()

    def __call__(self) -> None:
        self.settled.set()
        self.end.wait()


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hung]:
    """What hangs until the test ends. The time of each call begins when it hangs or has ended: on a
    busy machine a thread may need longer than `SOON` to begin."""
    hung = Hung()

    class Settled(Future[object]):
        def __init__(self) -> None:
            super().__init__()
            hung.settled.clear()
            self.add_done_callback(lambda _: hung.settled.set())

        def result(self, timeout: float | None = None) -> object:
            assert hung.settled.wait(NEVER)
            return super().result(timeout)

    monkeypatch.setattr(module, "Future", Settled)
    yield hung
    hung.end.set()


def test_a_call_gives_its_result() -> None:
    assert Deadline(NEVER).run(divmod, 7, 2) == (3, 1)


def test_the_calls_own_exception_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        Deadline(NEVER).run(divmod, 7, 0)


def test_a_timeout_that_the_call_itself_raises_is_not_taken_for_ours() -> None:
    def fails() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        Deadline(NEVER).run(fails)


def test_a_panic_is_an_exception_like_others() -> None:
    class Panic(BaseException):
        """An exception as pyo3 raises it for a panic in Rust."""

    def panics() -> None:
        raise Panic("out of range")

    with pytest.raises(RuntimeError, match="Panic: out of range"):
        Deadline(NEVER).run(panics)


def test_a_call_that_hangs_is_given_up(hung: Hung) -> None:
    with pytest.raises(TimeoutError, match=r"did not answer within 0\.05 seconds"):
        Deadline(SOON).run(hung)


def test_calls_behind_one_that_hangs_are_still_made(hung: Hung) -> None:
    deadline = Deadline(SOON)
    with pytest.raises(TimeoutError):
        deadline.run(hung)
    assert deadline.run(divmod, 7, 2) == (3, 1)


def test_no_more_calls_than_the_limit_run(hung: Hung) -> None:
    deadline = Deadline(SOON, limit=2)
    for _ in range(2):
        with pytest.raises(TimeoutError, match="did not answer"):
            deadline.run(hung)
    with pytest.raises(TimeoutError, match="too many earlier calls"):
        deadline.run(divmod, 7, 2)


def test_a_hung_call_that_ends_makes_room_again(hung: Hung) -> None:
    deadline = Deadline(SOON, limit=1)
    thread: list[threading.Thread] = []

    def hang() -> None:
        thread.append(threading.current_thread())
        hung()

    with pytest.raises(TimeoutError):
        deadline.run(hang)
    hung.end.set()
    thread[0].join()
    assert deadline.run(divmod, 7, 2) == (3, 1)


def test_after_a_call_was_given_up_the_next_waits_only_briefly(hung: Hung) -> None:
    deadline = Deadline(3 * SOON, while_silent=SOON)
    with pytest.raises(TimeoutError, match=r"0\.15 seconds"):
        deadline.run(hung)
    with pytest.raises(TimeoutError, match=r"0\.05 seconds"):
        deadline.run(hung)
    deadline.run(divmod, 7, 2)
    with pytest.raises(TimeoutError, match=r"0\.15 seconds"):
        deadline.run(hung)


def test_a_call_that_ends_as_it_times_out_leaves_the_next_its_whole_deadline(
    hung: Hung, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends_now = threading.Event()
    threads: list[threading.Thread] = []

    class EndsWhenAsked(module.Future):
        def done(self) -> bool:
            answer = super().done()
            ends_now.set()
            threads[0].join(SOON)  # it may end here, if nothing holds it
            return answer

    def late() -> None:
        threads.append(threading.current_thread())
        hung.settled.set()
        ends_now.wait()

    deadline = Deadline(3 * SOON, while_silent=SOON)
    with monkeypatch.context() as patch:
        patch.setattr(module, "Future", EndsWhenAsked)
        with pytest.raises(TimeoutError):
            deadline.run(late)
    threads[0].join()
    with pytest.raises(TimeoutError, match=r"0\.15 seconds"):
        deadline.run(hung)
