"""Delegation tokens: with them a server is its user to HDFS and YARN, where there is Kerberos.

- They are fetched as the user, whom the hub impersonates, and are checked to be the user's before
  they are handed out.
- Those of a submit are renewed by the ResourceManager until their maximum lifetime. Later ones
  nobody renews: a running server asks for new ones at half of the time for which they hold.
- Those say that nobody shall. Applications that the server submits itself, such as Spark's, bring
  them along: the ResourceManager refuses such whose renewer is somebody else, and ends its own with
  the application, though the server still has them.
- Each is there under every name by which a client may look for it.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.hdfs.namenode import CLIENT_PROTOCOL
from hadoop_client.hdfs.namenode import GET_DELEGATION_TOKEN as GET_HDFS_TOKEN
from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import Address, ConnectError, Login, Method, RpcError
from hadoop_client.rpc.pool import ClientPool
from hadoop_client.rpc.trace import log_call
from hadoop_client.security import kerberos
from hadoop_client.security.credentials import CredentialsError, Token
from hadoop_client.security.delegation import identity_of, short_name
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    GET_DELEGATION_TOKEN,
    GetDelegationTokenRequest,
    GetDelegationTokenResponse,
)
from yarnspawner.launcher.interface import ClusterRefusedError, ClusterUnreachableError
from yarnspawner.metrics import observe_call

DAY_MS = 24 * 3600 * 1000
NOBODY = ""
RENEW_INTERVALS = (
    "dfs.namenode.delegation.token.renew-interval",
    "yarn.resourcemanager.delegation.token.renew-interval",
)


class TokenRefusedError(ClusterRefusedError):
    """A service does not let the hub have a token of a user's; `error` is what it said."""

    def __init__(self, sentence: str, error: RpcError) -> None:
        super().__init__(sentence)
        self.error = error


_GetToken = Method[GetDelegationTokenRequest, GetDelegationTokenResponse]


@dataclass(frozen=True)
class _Issuer:
    """A service that gives out tokens. `logical` is the name of one with several addresses."""

    name: str
    addresses: Sequence[Address]
    logical: str
    method: _GetToken
    clients: ClientPool


class Tokens:
    """The tokens of one cluster's file systems and of its ResourceManager.

    `filesystems` are URIs, hdfs://NAME each, beside the default one.
    """

    def __init__(
        self, configuration: Configuration, hub_user: str, filesystems: Sequence[str]
    ) -> None:
        self._hub_user = hub_user
        self._configuration = configuration
        resourcemanagers = configuration.resourcemanager_addresses()
        self._renewer = resourcemanagers[0][0], configuration.get(kerberos.RESOURCEMANAGER) or ""
        names = {_nameservice(uri) for uri in (configuration.default_filesystem, *filesystems)}
        self._issuers = [
            self._namenode(name, configuration.namenode_addresses(name)) for name in sorted(names)
        ]
        self._issuers.append(self._resourcemanager(resourcemanagers))

    @property
    def refresh_seconds(self) -> float:
        """After how long a running server needs new ones."""
        intervals = [self._configuration.get_int(key, DAY_MS) for key in RENEW_INTERVALS]
        return min(intervals) / 2000

    async def fetch(self, user: str, *, for_submit: bool = False) -> Mapping[str, Token]:
        """Fetch the user's tokens, by their services; raises `ClusterError`.

        Those `for_submit` the ResourceManager may renew.
        """
        renewer = NOBODY
        if for_submit:  # asks DNS, which may hang
            host, principal = self._renewer
            renewer = await asyncio.to_thread(kerberos.principal_of, principal, host)
        found = await asyncio.gather(
            *(self._fetch(issuer, user, renewer) for issuer in self._issuers)
        )
        return {token.service: token for tokens in found for token in tokens}

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
                raise ClusterRefusedError(f"{issuer.name} gives no tokens.")
            owner = identity_of(token).owner
        except ConnectError as error:
            raise ClusterUnreachableError(error.about(issuer.name)) from error
        except RpcError as error:
            raise TokenRefusedError(
                f"{issuer.name} gave no token for {user}: {error}.", error
            ) from error
        except CredentialsError as error:
            raise ClusterRefusedError(f"{issuer.name} gave no good token: {error}") from error
        if short_name(owner) != user.partition("@")[0]:
            raise ClusterRefusedError(
                f"{issuer.name} gave a token of {owner} for {user}: not used."
            )
        return [replace(token, service=name) for name in await _services(issuer)]

    def _namenode(self, name: str, addresses: list[Address]) -> _Issuer:
        clients = self._clients(addresses, CLIENT_PROTOCOL, kerberos.NAMENODE)
        logical = f"ha-hdfs:{name}" if len(addresses) > 1 else ""
        return _Issuer(f"The NameNode of {name}", addresses, logical, GET_HDFS_TOKEN, clients)

    def _resourcemanager(self, addresses: list[Address]) -> _Issuer:
        clients = self._clients(addresses, APPLICATION_CLIENT_PROTOCOL, kerberos.RESOURCEMANAGER)
        return _Issuer("The ResourceManager", addresses, "", GET_DELEGATION_TOKEN, clients)

    def _clients(self, addresses: list[Address], protocol: str, service: str) -> ClientPool:
        prepare = kerberos.logins(self._configuration, service)
        hub = Login(user=self._hub_user)
        # The figures are of ResourceManagers; calls to NameNodes are in the log only.
        on_call = observe_call if service == kerberos.RESOURCEMANAGER else log_call
        # Of this one no connection is ever made: it knows the servers for those of all users.
        root = AsyncClient(addresses, protocol, hub, prepare=prepare, on_call=on_call)
        return ClientPool(root.for_login)


async def _services(issuer: _Issuer) -> list[str]:
    """Return the names under which clients look for a token: by address or by host, as
    hadoop.security.token.service.use_ip says. Of a pair Java joins all; of a name service the
    logical name alone may go to the ResourceManager, who asks each that is named."""
    if issuer.logical:
        return [issuer.logical]
    by_host = [f"{host.lower()}:{port}" for host, port in issuer.addresses]
    by_ip = [f"{await _resolve(host)}:{port}" for host, port in issuer.addresses]
    return sorted({",".join(by_host), ",".join(by_ip)})


async def _resolve(host: str) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
    except OSError:
        return host.lower()
    return str(found[0][4][0])


def _nameservice(uri: str) -> str:
    match = re.fullmatch(r"hdfs://([^/]+)/*", uri)
    if match is None:
        raise ConfigurationError(
            f"{uri!r} is no HDFS that tokens could be fetched from: it has to be hdfs://NAME."
        )
    return match[1]
