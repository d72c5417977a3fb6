"""Authenticates the NameNodes of a cluster with Kerberos before hdfs-native connects to them.

hdfs-native 0.14 accepts a server that offers no authentication, or that has another principal. Our
own RPC client does not. So it logs in first, at the same addresses, and hdfs-native is used only if
that succeeds.

- A server must prove its identity: by the configured principal and protection or, if this process
  has a delegation token for it, by knowing the token's secret.
- A name service is checked once in a process, with one connection to each of its NameNodes. A
  NameNode that cannot be reached is passed over if another one was authenticated. So is one in
  standby, which refuses every delegation token (DelegationTokenSecretManager.retrievePassword).

This does not protect hdfs-native's own connections: SECURITY.md states what an attacker can still
do.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.hdfs.errors import NO_TICKET, TORN_TOKENS
from hadoop_client.hdfs.namenode import CLIENT_PROTOCOL, GET_FILE_INFO, GetFileInfoRequest
from hadoop_client.rpc.blocking import exchange
from hadoop_client.rpc.call import Address, Login, RpcError
from hadoop_client.rpc.connection import Connection
from hadoop_client.security import token_file
from hadoop_client.security.credentials import Credentials, CredentialsError, Token
from hadoop_client.security.delegation import HDFS_KIND, identity_of
from hadoop_client.security.sasl import MechanismFactory, Prepare, SaslError
from hadoop_client.wire import WireError

CONNECT_SECONDS, LOGIN_SECONDS = 5.0, 8.0

#: hdfs-native does not use a token that is so close to its maximum lifetime.
_TOKEN_MARGIN_MS = 60_000

_checked: set[tuple[Address, ...]] = set()
_checking = threading.Lock()


def check_namenodes(configuration: Configuration, url: str | None) -> None:
    """Authenticate the NameNodes of `url`, by default of `fs.defaultFS`; raises OSError.

    EACCES: a server or this process could not authenticate itself. Other numbers: no NameNode can
    be reached. Does nothing on a cluster without Kerberos.
    """
    if not configuration.kerberos:
        return
    try:
        nameservices = configuration.nameservices(url)
    except ConfigurationError as error:
        raise OSError(errno.EINVAL, str(error).rstrip(".")) from error
    for nameservice in nameservices:
        try:
            addresses = tuple(configuration.namenode_addresses(nameservice))
        except ConfigurationError as error:
            raise OSError(errno.EINVAL, str(error).rstrip(".")) from error
        with _checking:
            if addresses not in _checked:
                _check(addresses, *identity(configuration, nameservice, addresses))
                _checked.add(addresses)


def _check(addresses: Sequence[Address], login: Login, prepare: Prepare | None) -> None:
    """Authenticate each NameNode, at least one of them; raises OSError."""
    failures = [_authenticate(address, login, prepare) for address in addresses]
    if failures and None not in failures:
        raise next(failure for failure in reversed(failures) if failure)


def _authenticate(address: Address, login: Login, prepare: Prepare | None) -> OSError | None:
    """Authenticate a NameNode. Return why it must be passed over; None if it was authenticated.

    Raises OSError if it did not prove its identity, or if this process cannot.
    """
    try:
        sock = socket.create_connection(address, CONNECT_SECONDS)
    except (OSError, UnicodeError) as error:
        return _unreachable_error(error)
    with sock:
        try:
            mechanisms = prepare(address[0]) if prepare else None
        except SaslError as error:  # this process has no ticket, or the KDC is away
            raise OSError(errno.EACCES, NO_TICKET) from error
        try:
            _log_in(sock, login, mechanisms)
        except TimeoutError:
            reason = f"HDFS did not answer within {LOGIN_SECONDS:g} seconds"
            return TimeoutError(errno.ETIMEDOUT, reason)
        except (SaslError, WireError, RpcError, OSError) as error:
            if isinstance(error, RpcError) and error.name == "InvalidToken":
                raise OSError(errno.EACCES, NO_TICKET) from error
            if isinstance(error, RpcError) and error.standby:
                return OSError(errno.ECONNREFUSED, "HDFS has no active NameNode")
            host, port = address
            reason = f"HDFS authentication failed at {host}:{port}: {str(error).rstrip('.')}"
            raise OSError(errno.EACCES, reason) from error
    return None


def _log_in(sock: socket.socket, login: Login, mechanisms: MechanismFactory | None) -> None:
    """Log in and make one call. Any answer to it follows a login of both sides."""
    connection = Connection(CLIENT_PROTOCOL, login, mechanisms)
    call = connection.call(GET_FILE_INFO, GetFileInfoRequest("/").encode())
    try:
        exchange(sock, connection, call, time.monotonic() + LOGIN_SECONDS)
    except RpcError as error:
        if error.fatal:  # perhaps before the login
            raise


def _unreachable_error(error: Exception) -> OSError:
    if isinstance(error, TimeoutError):
        reason = f"HDFS did not answer within {CONNECT_SECONDS:g} seconds"
        return TimeoutError(errno.ETIMEDOUT, reason)
    if isinstance(error, ConnectionRefusedError):
        reason = "HDFS cannot be reached: it refuses connections"
        return ConnectionRefusedError(errno.ECONNREFUSED, reason)
    reason = "HDFS cannot be reached: its host name is unknown"
    if not isinstance(error, (socket.gaierror, UnicodeError)):
        reason = f"HDFS cannot be reached ({error})"
    return OSError(errno.EHOSTUNREACH, reason)


def identity(
    configuration: Configuration, nameservice: str, addresses: Sequence[Address]
) -> tuple[Login, Prepare | None]:
    """Return the login of this process: with its delegation token, or else with Kerberos."""
    token = _token(nameservice, addresses)
    if token is not None:
        return Login(token=token, protections=configuration.rpc_protections), None
    # Imported here because it loads python-gssapi, which servers do not need.
    from hadoop_client.security import kerberos

    try:
        prepare = kerberos.logins(configuration, kerberos.NAMENODE)
    except ConfigurationError as error:
        # A server's own remedy is a new token.
        has_tokens = os.environ.get(token_file.VARIABLE)
        reason = (
            NO_TICKET if has_tokens else f"HDFS authentication failed: {str(error).rstrip('.')}"
        )
        raise OSError(errno.EACCES, reason) from error
    return Login(), prepare


def _token(nameservice: str, addresses: Sequence[Address]) -> Token | None:
    """Return the delegation token that hdfs-native uses; None if it uses Kerberos."""
    path = os.environ.get(token_file.VARIABLE)
    if not path:
        return None
    now_ms = time.time() * 1000
    services = _services(nameservice, addresses)
    try:
        for token in Credentials.from_bytes(Path(path).read_bytes()).tokens.values():
            if (
                token.kind == HDFS_KIND
                and token.service in services
                and identity_of(token).max_date > now_ms + _TOKEN_MARGIN_MS
            ):
                return token
    except CredentialsError as error:
        raise OSError(errno.EHOSTUNREACH, TORN_TOKENS) from error
    except OSError:
        pass  # there is no file
    return None


def _services(nameservice: str, addresses: Sequence[Address]) -> set[str]:
    """Return the names under which a token for these NameNodes may be stored."""
    services = {f"ha-hdfs:{nameservice}"}
    for host, port in addresses:
        services.add(f"{host.lower()}:{port}")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            continue
        services.update(f"{address[4][0]}:{port}" for address in found)
    return services
