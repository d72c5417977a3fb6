"""Delegation tokens, which authenticate a server as its user to HDFS and YARN under Kerberos.

- The hub fetches them as the user, by impersonation. It checks that a token is the user's before it
  hands the token out.
- The ResourceManager renews the tokens of a submit until their maximum lifetime.
- Later tokens have no renewer. A running server requests new ones after half of the renew interval.
  Applications that the server submits, such as Spark's, bring these tokens along: the
  ResourceManager refuses tokens with another renewer, and it cancels the tokens that it renews when
  the application ends, although the server still uses them.
- Each token is stored under every service name that a client may look up.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hadoop_client.configuration import DAY_MS, Configuration, ConfigurationError
from hadoop_client.hdfs.namenode import CLIENT_PROTOCOL
from hadoop_client.hdfs.namenode import GET_DELEGATION_TOKEN as GET_HDFS_TOKEN
from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import Address, ConnectError, Login, Method, RpcError
from hadoop_client.rpc.pool import ClientPool
from hadoop_client.rpc.trace import log_call
from hadoop_client.security import kerberos
from hadoop_client.security.auth_to_local import user_of
from hadoop_client.security.credentials import CredentialsError, Token
from hadoop_client.security.delegation import (
    GetDelegationTokenRequest,
    GetDelegationTokenResponse,
    identity_of,
)
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    GET_DELEGATION_TOKEN,
)
from yarnspawner.launcher.interface import ClusterRefusedError, ClusterUnreachableError
from yarnspawner.metrics import observe_call

NO_RENEWER = ""

#: The options for how long a token is valid without a renewal, in milliseconds.
RENEW_INTERVALS = (
    "dfs.namenode.delegation.token.renew-interval",
    "yarn.resourcemanager.delegation.token.renew-interval",
)


class TokenRefusedError(ClusterRefusedError):
    """A service refused a delegation token for a user with `error`."""

    def __init__(self, sentence: str, error: RpcError) -> None:
        super().__init__(sentence)
        self.error = error


_GetToken = Method[GetDelegationTokenRequest, GetDelegationTokenResponse]


@dataclass(frozen=True)
class _Issuer:
    """A service that issues tokens. `logical` is its logical name if it has several addresses."""

    name: str
    addresses: Sequence[Address]
    logical: str
    method: _GetToken
    clients: ClientPool


class Tokens:
    """Fetches the tokens of a cluster's file systems and of its ResourceManager.

    `filesystems` are the URIs of file systems besides the cluster's own, each hdfs://NAME or
    viewfs://NAME.
    """

    def __init__(
        self, configuration: Configuration, hub_user: str, filesystems: Sequence[str]
    ) -> None:
        for uri in filesystems:
            if not re.fullmatch(r"(hdfs|viewfs)://[^/]+/*", uri):
                raise ConfigurationError(
                    f"Delegation tokens cannot be fetched from {uri!r}. It must be hdfs://NAME or "
                    "viewfs://NAME."
                )
        self._hub_user = hub_user
        self._configuration = configuration
        resourcemanagers = configuration.resourcemanager_addresses()
        self._renewer = resourcemanagers[0][0], configuration.get(kerberos.RESOURCEMANAGER) or ""
        names = set(_needed(configuration)).union(*map(configuration.nameservices, filesystems))
        self._issuers = [
            self._namenode(name, configuration.namenode_addresses(name)) for name in sorted(names)
        ]
        self._issuers.append(self._resourcemanager(resourcemanagers))

    @property
    def refresh_seconds(self) -> float:
        """Seconds after which a running server needs new tokens: half of the renew interval."""
        intervals = [self._configuration.get_int(key, DAY_MS) for key in RENEW_INTERVALS]
        return min(intervals) / 2000

    async def fetch(self, user: str, *, for_submit: bool = False) -> Mapping[str, Token]:
        """Fetch the user's tokens, by service name; raises `ClusterError`.

        The ResourceManager is the renewer of tokens `for_submit`.
        """
        renewer = NO_RENEWER
        if for_submit:  # in a thread, because the DNS look-up may hang
            host, principal = self._renewer
            renewer = await asyncio.to_thread(kerberos.principal_of, principal, host)
        fetched = await asyncio.gather(
            *(self._fetch(issuer, user, renewer) for issuer in self._issuers)
        )
        return {token.service: token for tokens in fetched for token in tokens}

    async def close(self) -> None:
        """Close all connections."""
        for issuer in self._issuers:
            await issuer.clients.close()

    async def _fetch(self, issuer: _Issuer, user: str, renewer: str) -> list[Token]:
        login = Login.impersonating(user, self._hub_user)
        try:
            async with issuer.clients.client(login) as client:
                response = await client.call(issuer.method, GetDelegationTokenRequest(renewer))
            token = response.token
            if token is None:
                raise ClusterRefusedError(f"{issuer.name} issued no delegation token.")
            owner = identity_of(token).owner
        except ConnectError as error:
            raise ClusterUnreachableError(error.about(issuer.name)) from error
        except RpcError as error:
            raise TokenRefusedError(
                f"{issuer.name} refused a delegation token for {user}: {error}.", error
            ) from error
        except CredentialsError as error:
            raise ClusterRefusedError(
                f"{issuer.name} issued an invalid delegation token: {error}"
            ) from error
        if not self._is_owner(owner, user):
            raise ClusterRefusedError(
                f"{issuer.name} issued a delegation token of {owner} instead of {user}."
            )
        return [replace(token, service=name) for name in await _services(issuer)]

    def _is_owner(self, owner: str, user: str) -> bool:
        """Return whether a token's owner is the user. A principal of another realm is not, unless a
        rule of the cluster says so."""
        if owner == user:
            return True
        realm = kerberos.default_realm() or self._renewer[1].partition("@")[2]
        first, second = (user_of(name, self._configuration, realm) for name in (owner, user))
        return first is not None and first == second

    def _namenode(self, name: str, addresses: list[Address]) -> _Issuer:
        clients = self._clients(addresses, CLIENT_PROTOCOL, kerberos.NAMENODE)
        logical = f"ha-hdfs:{name}" if self._configuration.has_failover(name) else ""
        return _Issuer(f"The NameNode of {name}", addresses, logical, GET_HDFS_TOKEN, clients)

    def _resourcemanager(self, addresses: list[Address]) -> _Issuer:
        clients = self._clients(addresses, APPLICATION_CLIENT_PROTOCOL, kerberos.RESOURCEMANAGER)
        return _Issuer("The ResourceManager", addresses, "", GET_DELEGATION_TOKEN, clients)

    def _clients(self, addresses: list[Address], protocol: str, service: str) -> ClientPool:
        prepare = kerberos.logins(self._configuration, service)
        hub = Login(user=self._hub_user)
        # The metrics count ResourceManager calls only; calls to NameNodes go to the log.
        on_call = observe_call if service == kerberos.RESOURCEMANAGER else log_call
        # The root client never connects; it shares the servers' state among all users' clients.
        root = AsyncClient(addresses, protocol, hub, prepare=prepare, on_call=on_call)
        return ClientPool(root.for_login)


async def _services(issuer: _Issuer) -> list[str]:
    """Return the service names that clients look up a token by.

    A client uses the IP address or the host name, depending on
    hadoop.security.token.service.use_ip. For a pair of ResourceManagers Java joins the names.
    Tokens of an HDFS name service have only its logical name, because the ResourceManager contacts
    each service that a token names.
    """
    if issuer.logical:
        return [issuer.logical]
    by_host = [f"{host.lower()}:{port}" for host, port in issuer.addresses]
    by_ip = [f"{await _resolve(host)}:{port}" for host, port in issuer.addresses]
    return sorted({",".join(by_host), ",".join(by_ip)})


async def _resolve(host: str) -> str:
    try:
        addresses = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
    except OSError:
        return host.lower()
    return str(addresses[0][4][0])


def _needed(configuration: Configuration) -> list[str]:
    """Return the name services that servers use: those of the default file system, and of the HDFS
    that is used instead of it. Object stores issue no tokens of HDFS."""
    default = configuration.nameservices(configuration.default_filesystem)
    try:
        return [*default, *configuration.nameservices()]
    except ConfigurationError:  # no HDFS is set
        return default
