"""A record of everything that a client says to a server: who, to whom, how long, what came of it.

It never has what was said: no payload, no token, no secret.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass

from hadoop_client.rpc.call import Address, RpcError

#: The `method` of a record that is about a connection, made or tried.
CONNECT = "connect"
OK = "ok"

log = logging.getLogger("yarnspawner.rpc")


@dataclass(frozen=True)
class CallRecord:
    """One attempt at a call, at one server; a call that is sent again is another one.

    `outcome` is OK, or the name of what came instead of an answer: a Java exception's, or Python's.
    `sent` and `received` are the bytes of the request and of its answer.
    """

    method: str
    user: str | None
    real_user: str | None
    address: Address
    seconds: float
    outcome: str
    sent: int = 0
    received: int = 0


#: Is told of each attempt when it is over; must not raise.
OnCall = Callable[[CallRecord], None]


def log_call(record: CallRecord) -> None:
    """Write a record as JSON, at DEBUG."""
    if log.isEnabledFor(logging.DEBUG):
        host, port = record.address
        log.debug("%s", json.dumps({**asdict(record), "address": f"{host}:{port}"}))


def name_outcome(result: BaseException | bytes | None) -> str:
    """Name what an attempt came to; None where its caller did not wait for the end."""
    if isinstance(result, RpcError):
        return result.name
    if isinstance(result, BaseException):
        return type(result).__name__
    return "abandoned" if result is None else OK
