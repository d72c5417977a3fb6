"""skein's driver: shared by all calls, killed if it hangs, restarted after a growing pause."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import skein

from yarnspawner.launcher import skein_driver
from yarnspawner.launcher.skein_driver import Driver, DriverPausedError


class FakeClient:
    """skein's client with a real process for a driver, and calls that can hang until it ends."""

    def __init__(self) -> None:
        self._proc = subprocess.Popen(["sleep", "1000"])
        self.closed = False

    def answer(self) -> str:
        return "answer"

    def hang(self) -> None:
        self._proc.wait()
        raise skein.exceptions.ConnectionError("Unable to connect to driver")

    def close(self) -> None:
        assert self._proc.poll() is not None, "skein would wait for its end"
        self.closed = True


class Starts:
    """Starts drivers and keeps their clients."""

    def __init__(self) -> None:
        self.clients: list[FakeClient] = []
        self.failure: Exception | None = None
        self.lock = threading.Lock()

    def __call__(self) -> FakeClient:
        with self.lock:
            self.clients.append(FakeClient())
            if self.failure:
                raise self.failure
            return self.clients[-1]


@pytest.fixture
def starts() -> Iterator[Starts]:
    starts = Starts()
    yield starts
    for client in starts.clients:
        client._proc.kill()
        client._proc.wait()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`now(seconds)`: let that much time pass for the driver's pauses."""
    clock = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(
        skein_driver, "time", SimpleNamespace(monotonic=lambda: clock.seconds), raising=True
    )

    def pass_time(seconds: float) -> None:
        clock.seconds += seconds

    return pass_time


def test_one_driver_serves_all_calls(starts: Starts):
    driver = Driver(starts)
    assert [driver.call(FakeClient.answer, 60) for _ in range(3)] == ["answer"] * 3
    assert len(starts.clients) == 1


def test_two_threads_that_need_a_driver_start_one(starts: Starts):
    driver = Driver(starts)
    together = threading.Barrier(2)

    def call() -> None:
        together.wait()
        driver.call(FakeClient.answer, 60)

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(starts.clients) == 1


def test_a_driver_that_was_killed_is_started_again(starts: Starts, now: Any):
    driver = Driver(starts)
    driver.call(FakeClient.answer, 60)
    starts.clients[0]._proc.kill()
    starts.clients[0]._proc.wait()
    now(skein_driver.FIRST_PAUSE_SECONDS)
    assert driver.call(FakeClient.answer, 60) == "answer"
    assert [client.closed for client in starts.clients] == [True, False]


def test_a_call_that_hangs_kills_the_driver_and_returns(starts: Starts):
    driver = Driver(starts)
    with pytest.raises(skein.exceptions.ConnectionError):
        driver.call(FakeClient.hang, 0.01)
    assert starts.clients[0]._proc.poll() is not None


def test_the_pause_grows_after_each_driver_that_does_not_start(starts: Starts, now: Any):
    driver = Driver(starts)
    starts.failure = skein.exceptions.DriverError("Failed to start java process")
    pause = skein_driver.FIRST_PAUSE_SECONDS
    for tries in range(1, 10):
        with pytest.raises(skein.exceptions.DriverError):
            driver.call(FakeClient.answer, 60)
        now(pause * 0.9)
        with pytest.raises(DriverPausedError):
            driver.call(FakeClient.answer, 60)
        assert len(starts.clients) == tries
        now(pause * 0.2)
        pause = min(skein_driver.LONGEST_PAUSE_SECONDS, pause * 2)


def test_a_driver_that_answers_resets_the_pause(starts: Starts, now: Any):
    driver = Driver(starts)
    for _ in range(10):
        driver.call(FakeClient.answer, 60)
        starts.clients[-1]._proc.kill()
        starts.clients[-1]._proc.wait()
        now(skein_driver.FIRST_PAUSE_SECONDS)
    assert len(starts.clients) == 10


def test_a_start_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(skein_driver, "START_DEADLINE_SECONDS", 0.01)

    def start() -> None:
        subprocess.check_call(["sleep", "1000"])

    # Other children of this thread, such as the hub's proxy, must survive.
    with subprocess.Popen(["sleep", "1000"]) as other:
        with pytest.raises(subprocess.CalledProcessError):
            Driver(start).call(FakeClient.answer, 60)
        assert other.poll() is None
        other.kill()


def test_a_process_that_starts_after_the_deadline_is_killed_too(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(skein_driver, "START_DEADLINE_SECONDS", 0.01)

    def start() -> None:
        assert subprocess.call(["sleep", "1000"])
        subprocess.check_call(["sleep", "1000"])

    with pytest.raises(subprocess.CalledProcessError):
        Driver(start).call(FakeClient.answer, 60)


def test_closing_kills_a_driver_that_hangs(starts: Starts):
    driver = Driver(starts)
    driver.call(FakeClient.answer, 60)
    starts.clients[0]._proc.send_signal(19)
    driver.close()
    assert starts.clients[0].closed
