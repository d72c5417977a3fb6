"""What all tests share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import settings

Found = TypeVar("Found")

# None of the property tests is about time, and machines that run tests are busy.
settings.register_profile("without-deadline", deadline=None)
settings.load_profile("without-deadline")


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Found]:
    """`wait_until(predicate, timeout, what)`, for what gives no signal that could be waited for.

    It returns the predicate's first true answer, and fails the test with `what` when there is none
    within the timeout in seconds.
    """

    def wait(predicate: Callable[[], Found], timeout: float, what: str) -> Found:
        deadline = time.monotonic() + timeout
        while not (found := predicate()):
            if time.monotonic() > deadline:
                pytest.fail(f"not within {timeout:g} s: {what}", pytrace=True)
            time.sleep(0.05)
        return found

    return wait
