"""Delegation tokens: how a service is asked for one, and its identifier, which has its owner and
its lifetime.

Sources: Security.proto; AbstractDelegationTokenIdentifier (HDFS, a Writable) and
yarn_security_token.proto (YARN).
"""

from __future__ import annotations

from dataclasses import dataclass

from hadoop_client.security.credentials import CredentialsError, Token, decode_vint
from hadoop_client.wire import Message, WireError, int64, message, string

HDFS_KIND, YARN_KIND = "HDFS_DELEGATION_TOKEN", "RM_DELEGATION_TOKEN"


@dataclass(frozen=True)
class Identity(Message):
    """Times are in milliseconds since 1970. A token cannot be renewed past its `max_date`."""

    owner: str = string(1, "")
    renewer: str = string(2, "")
    real_user: str = string(3, "")
    issue_date: int = int64(4, 0)
    max_date: int = int64(5, 0)


@dataclass(frozen=True)
class GetDelegationTokenRequest(Message):
    """`renewer` is the user that may renew the token. All services use the same messages."""

    renewer: str = string(1, "")


@dataclass(frozen=True)
class GetDelegationTokenResponse(Message):
    """`token` is None on a cluster without Kerberos."""

    token: Token | None = message(1, Token)


def short_name(principal: str) -> str:
    """Return the user of a principal by Hadoop's default rule: its first part."""
    return principal.partition("@")[0].partition("/")[0]


def identity_of(token: Token) -> Identity:
    """Read a token's identifier; raises `CredentialsError` for another kind or a damaged one."""
    try:
        if token.kind == YARN_KIND:
            return Identity.decode(token.identifier)
        if token.kind == HDFS_KIND and token.identifier[0] == 0:
            return _read_writable(token.identifier)
    except (WireError, IndexError, UnicodeDecodeError) as error:
        raise CredentialsError(f"A token of kind {token.kind} is damaged: {error}.") from error
    raise CredentialsError(f"A token of the unknown kind {token.kind!r} has no readable owner.")


def _read_writable(data: bytes) -> Identity:
    position = 1  # after the version
    texts: list[str] = []
    numbers: list[int] = []
    for _ in range(3):
        size, position = decode_vint(data, position)
        if not 0 <= size <= len(data) - position:
            raise IndexError(f"{size} is not a possible size")
        texts.append(data[position : position + size].decode())
        position += size
    for _ in range(2):
        number, position = decode_vint(data, position)
        numbers.append(number)
    owner, renewer, real_user = texts
    return Identity(owner, renewer, real_user, *numbers)
