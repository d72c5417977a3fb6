"""A record of each attempt at a call or a connection: login, address, duration and outcome.

A record contains no payload, token or secret.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass

from hadoop_client.rpc.call import Address, RpcError

__all__ = ["CONNECT", "OK", "CallRecord", "OnCall", "log_call"]

#: The `method` of a record of an attempt to connect.
CONNECT = "connect"

#: The `outcome` of an attempt that succeeded.
OK = "ok"

log = logging.getLogger("yarnspawner.rpc")


@dataclass(frozen=True)
class CallRecord:
    """One attempt at a call, at one server. A call that is sent again is another attempt.

    `outcome` is OK, "abandoned", or the name of the exception, Java's or Python's. `sent` and
    `received` are the sizes of the request and of its answer in bytes.
    """

    method: str
    user: str | None
    real_user: str | None
    address: Address
    seconds: float
    outcome: str
    sent: int = 0
    received: int = 0


#: Called with the record of each attempt when it is over; must not raise.
OnCall = Callable[[CallRecord], None]


def log_call(record: CallRecord) -> None:
    """Log a record as JSON, at level DEBUG."""
    if log.isEnabledFor(logging.DEBUG):
        host, port = record.address
        log.debug("%s", json.dumps({**asdict(record), "address": f"{host}:{port}"}))


def name_outcome(result: BaseException | bytes | None) -> str:
    """Return the outcome of an attempt with this result; None if its caller did not wait for it."""
    if isinstance(result, RpcError):
        return result.name
    if isinstance(result, BaseException):
        return type(result).__name__
    return "abandoned" if result is None else OK
