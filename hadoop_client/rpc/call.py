"""Hadoop RPC's vocabulary: `Login`, `Method`, and the errors of a call.

    RpcError                the server answered with an exception
    ConnectError            no server answered, or not in Hadoop's protocol
    ├── CallTimeoutError    no server answered within the call's time
    └── LoginError          the client or the server could not authenticate itself

The clients' `call` raises nothing else, except `WireError` if the request itself cannot be encoded.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from hadoop_client.security.credentials import Token
from hadoop_client.security.sasl import SaslError
from hadoop_client.wire import Message

if TYPE_CHECKING:
    from typing import TypeAlias  # Python 3.8 has none, and evaluates no text

__all__ = [
    "Address",
    "CallTimeoutError",
    "ConnectError",
    "Login",
    "LoginError",
    "Method",
    "RpcError",
]

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)

#: Host and port.
Address: TypeAlias = "tuple[str, int]"

#: Hadoop's default host of the ResourceManager, which clients elsewhere cannot use.
UNSET_HOST = "0.0.0.0"


class RpcError(Exception):
    """An exception of the server: Java's full class name, and its message without the stack trace.

    After a `fatal` one the server has closed the connection.
    """

    def __init__(self, exception_class: str, message: str, fatal: bool = False) -> None:
        self.exception_class = exception_class
        self.message = message.partition("\n\tat")[0].strip()
        self.fatal = fatal
        super().__init__(f"{self.name}: {self.message}")

    @property
    def name(self) -> str:
        """The class name without package and enclosing class."""
        return self.exception_class.replace("$", ".").rpartition(".")[2]

    @property
    def standby(self) -> bool:
        """Whether the call belongs to another server, which is active."""
        return self.name == "StandbyException"


class ConnectError(ConnectionError):
    """No server answered. `reasons` has the cause for each address that was tried."""

    def __init__(self, sentence: str, reasons: dict[Address, str]) -> None:
        tried = "; ".join(f"{host}:{port}: {why}" for (host, port), why in reasons.items())
        super().__init__(f"{sentence} ({tried})" if tried else sentence)
        self.reasons = reasons

    def about(self, service: str) -> str:
        """Return the sentence for a user."""
        return f"{service} does not answer: {self}."


class CallTimeoutError(ConnectError, TimeoutError):
    """No answer came within the call's time."""


class LoginError(ConnectError):
    """Authentication failed: there is no ticket, or one side rejected the other."""

    def about(self, service: str) -> str:
        """Return the sentence for a user."""
        return f"Authentication to {service} failed: {self}."


@dataclass(frozen=True)
class Login:
    """The identity of a connection: a token, or else `user`, impersonated by `real_user` if set.

    A login with a token uses one of `protections` or a stronger one, and any if there are none:
    see `Configuration.rpc_protections`.
    """

    user: str | None = None
    real_user: str | None = None
    token: Token | None = None
    protections: tuple[str, ...] = ()

    @classmethod
    def impersonating(cls, user: str, real_user: str) -> Login:
        """Log in as `real_user` on behalf of `user`."""
        return cls(user) if user == real_user else cls(user, real_user)


@dataclass(frozen=True)
class Method(Generic[Request, Response]):
    """A remote method.

    Clients resend only an `idempotent` one. Any other may have been executed or not if the
    connection is lost during the call: the caller has to decide.
    """

    protocol: str
    name: str
    request: type[Request]
    response: type[Response]
    idempotent: bool = True


def interrupted_call_error(
    method: Method[Request, Response], error: BaseException, tried: Mapping[Address, BaseException]
) -> ConnectError | None:
    """Return the error of a call that `error` interrupted; None if it may be sent again."""
    if isinstance(error, TimeoutError):
        return CallTimeoutError(f"{method.name} had no answer in time", _reasons(tried))
    if isinstance(error, (RpcError, SaslError)) or method.idempotent:
        return None  # refused before it was executed, or harmless to repeat
    lost = f"the connection was lost during {method.name}; it may or may not have been executed"
    return ConnectError(lost, _reasons(tried))


def all_addresses_failed(
    method: Method[Request, Response], tried: Mapping[Address, BaseException], in_time: bool
) -> ConnectError:
    """Return the error of a call that no address answered."""
    kind = ConnectError if in_time else CallTimeoutError
    if any(isinstance(error, SaslError) for error in tried.values()):
        kind = LoginError
    return kind(f"{method.name} could not be called", _reasons(tried))


def _reasons(tried: Mapping[Address, BaseException]) -> dict[Address, str]:
    return {address: _explain(error) + _hint(address) for address, error in tried.items()}


def _hint(address: Address) -> str:
    if address[0] != UNSET_HOST:
        return ""
    return f" ({UNSET_HOST} is the default: set yarn.resourcemanager.hostname in yarn-site.xml)"


def _explain(error: BaseException) -> str:
    if isinstance(error, RpcError) and error.standby:
        # A router of HDFS in safe mode says so.
        return error.message if error.message.startswith("Router ") else "it is in standby"
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return "no such host"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    # If a name has several addresses, asyncio joins their errors into one without a number.
    numbers = re.findall(r"\[Errno (\d+)\]", str(error))
    if isinstance(error, OSError) and numbers:
        return os.strerror(int(numbers[-1])).lower()
    return str(error) or "the connection was lost"
