"""The order of servers, and the backoff if none answers."""

from __future__ import annotations

from hadoop_client.rpc.call import ConnectError, LoginError
from hadoop_client.rpc.failover import FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS, Failover

ONE, TWO = ("rm1", 8032), ("rm2", 8032)
WHY = {ONE: "connection refused", TWO: "it is in standby"}
NOBODY = ConnectError("no answer", WHY)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def backoff_of(servers: Failover, clock: Clock) -> float:
    """Advance the clock to the end of the backoff, and return how long that took."""
    started = clock.now
    while servers.backing_off:
        clock.now += FIRST_BACKOFF_SECONDS / 100
    return clock.now - started


def test_one_that_does_not_do_goes_behind_the_others() -> None:
    servers = Failover([ONE, TWO])
    servers.demote(ONE)
    assert servers.first == TWO


def test_two_callers_that_give_up_the_same_server_move_it_once() -> None:
    servers = Failover([ONE, TWO])
    servers.demote(ONE)
    servers.demote(ONE)
    assert servers.first == TWO


def test_there_is_no_backoff_before_a_failure() -> None:
    assert not Failover([ONE]).backing_off


def test_the_backoff_grows_with_each_failure_up_to_a_limit() -> None:
    clock = Clock()
    servers = Failover([ONE, TWO], clock)
    rests = []
    for _ in range(10):
        servers.record_failure(NOBODY)
        rests.append(backoff_of(servers, clock))
    step = FIRST_BACKOFF_SECONDS / 100
    for number, rest in enumerate(rests):
        full = min(FIRST_BACKOFF_SECONDS * 2**number, LONGEST_BACKOFF_SECONDS)
        assert full / 2 - step <= rest <= full + step


def test_calls_that_fail_together_count_once() -> None:
    clock = Clock()
    servers = Failover([ONE, TWO], clock)
    for _ in range(1000):
        servers.record_failure(NOBODY)
    assert backoff_of(servers, clock) <= FIRST_BACKOFF_SECONDS * 1.02


def test_an_answer_makes_the_next_rest_short_again() -> None:
    clock = Clock()
    servers = Failover([ONE, TWO], clock)
    for _ in range(8):
        servers.record_failure(NOBODY)
        backoff_of(servers, clock)
    servers.record_success()
    servers.record_failure(NOBODY)
    assert backoff_of(servers, clock) <= FIRST_BACKOFF_SECONDS * 1.02


def test_the_backoff_error_has_the_last_failure_and_its_reasons() -> None:
    servers = Failover([ONE, TWO])
    servers.record_failure(NOBODY)
    assert servers.backoff_error("getNewApplication").reasons == WHY
    assert not isinstance(servers.backoff_error("getNewApplication"), LoginError)


def test_a_failed_login_stays_one_while_they_rest() -> None:
    servers = Failover([ONE])
    servers.record_failure(LoginError("no ticket", WHY))
    assert isinstance(servers.backoff_error("getNewApplication"), LoginError)
