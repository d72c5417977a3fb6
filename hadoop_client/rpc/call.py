"""Hadoop RPC's vocabulary: who calls (`Login`), what is called (`Method`), and what can go wrong.

    RpcError                  the server answered with an exception of its own
    ConnectError              nobody answered, or somebody who speaks something else
    ├── CallTimeoutError           ... within the time that the call had
    └── LoginError            we could not show who we are, or they not who they are

No call of `BlockingClient` or `AsyncClient` raises anything else, but for a `WireError` where the
request itself can't be written.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from hadoop_client.security.credentials import Token
from hadoop_client.security.sasl import SaslError
from hadoop_client.wire import Message, WireError

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
Address = tuple[str, int]


class RpcError(Exception):
    """An exception of the server's. `exception_class` is Java's full name of it, `message` what it
    says without its stack. After a `fatal` one the server has closed the connection."""

    def __init__(self, exception_class: str, message: str, fatal: bool = False) -> None:
        self.exception_class = exception_class
        self.message = message.partition("\n\tat")[0].strip()
        self.fatal = fatal
        super().__init__(f"{self.name}: {self.message}")

    @property
    def name(self) -> str:
        """The exception's class without its package, and without the class that it is in."""
        return self.exception_class.replace("$", ".").rpartition(".")[2]

    @property
    def standby(self) -> bool:
        """Whether the server only says that another one is active."""
        return self.name == "StandbyException"


class ConnectError(ConnectionError):
    """Nobody answered. Names each address that was tried, and why it did not do."""

    def __init__(self, sentence: str, reasons: dict[Address, str]) -> None:
        tried = "; ".join(f"{host}:{port}: {why}" for (host, port), why in reasons.items())
        super().__init__(f"{sentence} ({tried})" if tried else sentence)
        self.reasons = reasons

    def about(self, service: str) -> str:
        """Say in a sentence what a person has to know of it."""
        return f"{service} does not answer: {self}."


class CallTimeoutError(ConnectError, TimeoutError):
    """The call's time was over before its answer came."""


class LoginError(ConnectError):
    """There was no log-in: no ticket to be had, or one side did not believe the other."""

    def about(self, service: str) -> str:
        """Say that it is the log-in: whoever is asked for may well answer."""
        return f"{service} can't be logged in to: {self}."


@dataclass(frozen=True)
class Login:
    """Who a connection is for. With a token the server knows from that; without, `user` is who we
    act for, and `real_user` who we are where that is somebody else."""

    user: str | None = None
    real_user: str | None = None
    token: Token | None = None

    @classmethod
    def impersonating(cls, user: str, who: str) -> Login:
        """Log `who` in for `user`."""
        return cls(user) if user == who else cls(user, who)


@dataclass(frozen=True)
class Method(Generic[Request, Response]):
    """A remote method. One that is not `idempotent` is never sent twice by itself: when the
    connection is lost in mid-call it may have been executed, and the caller has to decide."""

    protocol: str
    name: str
    request: type[Request]
    response: type[Response]
    idempotent: bool = True


def interrupted_call_error(
    method: Method[Request, Response], error: BaseException, tried: Mapping[Address, BaseException]
) -> ConnectError | None:
    """Return what a call that broke off with `error` comes to, None where it may be sent again."""
    if isinstance(error, TimeoutError):
        return CallTimeoutError(f"{method.name} had no answer in time", reasons(tried))
    if isinstance(error, (RpcError, SaslError)) or method.idempotent:
        return None  # refused before it was executed, or harmless to repeat
    return ConnectError(
        f"{method.name} broke off, and may have been executed or not", reasons(tried)
    )


def all_addresses_failed(
    method: Method[Request, Response], tried: Mapping[Address, BaseException], in_time: bool
) -> ConnectError:
    """Return what it comes to that none of the addresses did."""
    kind = ConnectError if in_time else CallTimeoutError
    if any(isinstance(error, SaslError) for error in tried.values()):
        kind = LoginError
    return kind(f"{method.name} could not be called", reasons(tried))


def reasons(tried: Mapping[Address, BaseException]) -> dict[Address, str]:
    """Say of each address why it did not do."""
    return {address: explain(error) for address, error in tried.items()}


def explain(error: BaseException) -> str:
    """Say in a few words why an address did not do."""
    if isinstance(error, (WireError, SaslError)):
        return str(error)
    if isinstance(error, RpcError):
        return "it is in standby" if error.standby else str(error)
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return "no such host"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    # Where a name has several addresses, asyncio joins their errors into one without a number.
    numbers = re.findall(r"\[Errno (\d+)\]", str(error))
    if isinstance(error, OSError) and numbers:
        return os.strerror(int(numbers[-1])).lower()
    return str(error) or "the connection was lost"
