"""Kerberos for the RPC clients: SASL's GSSAPI (RFC 4752) over MIT's library, by python-gssapi.

- The identity is the process's, as for every Kerberos client: a ticket of `kinit`, or a keytab that
  KRB5_CLIENT_KTNAME names. From a keytab the library gets tickets by itself, and new ones before
  they end: there is nothing to renew.
- A server has to be who the configuration says: any other principal of the realm is refused.
- Of the protections, the first in `hadoop.rpc.protection` that the server offers is taken.

On the hub only: containers have tokens. Source: org.apache.hadoop.security.SaslRpcClient and
SecurityUtil.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from yarnspawner.hadoop.configuration import Configuration, ConfigurationError
from yarnspawner.hadoop.sasl import Mechanism, MechanismFactory, Offer, Prepare, SaslError

try:
    import gssapi
    from gssapi.raw import GSSError
except ImportError:  # a cluster without security needs none
    gssapi = None  # type: ignore[assignment]

RESOURCEMANAGER, NAMENODE = "yarn.resourcemanager.principal", "dfs.namenode.kerberos.principal"
"""Where the configuration says who a service is."""

LAYERS = {"authentication": 1, "integrity": 2, "privacy": 4}
"""RFC 4752's bits, by Hadoop's names."""

ANY_SIZE = b"\xff\xff\xff"


def use_keytab(keytab: str, principal: str | None = None) -> None:
    """Make this process log in by a keytab, hdfs-native and all; its tickets are in no file.

    Of a keytab with several keys the first is taken, unless `principal` says which.
    Raises ConfigurationError.
    """
    _require_gssapi()
    os.environ["KRB5_CLIENT_KTNAME"] = f"FILE:{Path(keytab).absolute()}"
    os.environ["KRB5CCNAME"] = "MEMORY:yarnhub"
    if principal is not None:
        name = gssapi.Name(principal, gssapi.NameType.kerberos_principal)
        with _logged_in():
            gssapi.Credentials(name=name, usage="initiate")


def own_user(configuration: Configuration) -> str:
    """Return who this process is to Hadoop.

    By Kerberos it is the first part of the principal, by Hadoop's default rule. Raises
    ConfigurationError where nobody is logged in.
    """
    if not configuration.kerberos:
        return os.environ.get("HADOOP_USER_NAME") or getpass.getuser()
    _require_gssapi()
    with _logged_in():
        principal = str(gssapi.Credentials(usage="initiate").name)
    return principal.partition("@")[0].partition("/")[0]


def logins(configuration: Configuration, service: str) -> Prepare | None:
    """Return how clients of a service log in: None where the cluster has no security.

    `service` is `RESOURCEMANAGER` or `NAMENODE`. Raises ConfigurationError.
    """
    if not configuration.kerberos:
        return None
    _require_gssapi()
    principal = configuration.get(service)
    if not principal or principal.count("@") != 1:
        raise ConfigurationError(
            f"The cluster has Kerberos, and {service} names no principal: add it to the "
            "configuration, as the cluster's own nodes have it."
        )
    protections = configuration.get_list("hadoop.rpc.protection") or ["authentication"]
    unknown = [each for each in protections if each not in LAYERS]
    if unknown:
        raise ConfigurationError(
            f"hadoop.rpc.protection is {unknown[0]!r}: it has to be {', '.join(LAYERS)}."
        )

    def prepare(host: str) -> MechanismFactory:
        return _factory(principal_of(principal, host), protections)

    return prepare


def principal_of(principal: str, host: str) -> str:
    """Return a principal with the host's canonical name in the place of _HOST."""
    return principal.replace("/_HOST@", f"/{socket.getfqdn(host).lower()}@")


def _factory(principal: str, protections: list[str]) -> MechanismFactory:
    """Get a ticket for the service, which may take a moment, and return what logs in with it."""
    mechanism = Gssapi(principal, protections)

    def for_offer(offer: Offer) -> Mechanism | None:
        if (offer.method, offer.mechanism) != ("KERBEROS", "GSSAPI"):
            return None
        offered = f"{offer.protocol}/{offer.server_id}"
        if offered.lower() != principal.partition("@")[0].lower():
            raise SaslError(f"the server is {offered}, the configuration expects {principal}")
        return mechanism

    return for_offer


class Gssapi:
    """The client's side of one login. The first message is made at once: it needs the KDC."""

    def __init__(self, principal: str, protections: list[str]) -> None:
        self._protections = protections
        self._sealed = False
        self.complete = False
        self.layered = False
        flag = gssapi.RequirementFlag
        flags = (
            flag.mutual_authentication
            | flag.replay_detection
            | flag.out_of_sequence_detection
            | flag.integrity
            | flag.confidentiality
        )
        name = gssapi.Name(principal, gssapi.NameType.kerberos_principal)
        self._context = gssapi.SecurityContext(
            name=name, mech=gssapi.MechType.kerberos, flags=flags, usage="initiate"
        )
        self._first = self._do(self._context.step)

    def step(self, challenge: bytes | None) -> bytes:
        if challenge is None:
            return self._first
        if not self._context.complete:
            return self._do(self._context.step, challenge) or b""
        offered = self._do(self._context.unwrap, challenge).message
        if len(offered) != 4:
            raise SaslError("the server's offer of protections is cut short")
        chosen = self._choose(offered[0])
        self.complete = True
        self.layered, self._sealed = chosen != "authentication", chosen == "privacy"
        answer = bytes([LAYERS[chosen]]) + (ANY_SIZE if self.layered else bytes(3))
        return self._do(self._context.wrap, answer, False).message

    def _choose(self, offered: int) -> str:
        for protection in self._protections:
            if offered & LAYERS[protection]:
                return protection
        names = ", ".join(name for name, bit in LAYERS.items() if offered & bit)
        raise SaslError(
            f"no protection in common: the server offers {names or 'none'}, our "
            f"hadoop.rpc.protection is {','.join(self._protections)}"
        )

    def wrap(self, data: bytes) -> bytes:
        return self._do(self._context.wrap, data, self._sealed).message

    def unwrap(self, data: bytes) -> bytes:
        opened = self._do(self._context.unwrap, data)
        if self._sealed and not opened.encrypted:
            raise SaslError("the server stopped to encrypt what it sends")
        return opened.message

    def _do(self, call: Any, *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except GSSError as error:
            raise SaslError(_sentence(error)) from error


@contextmanager
def _logged_in() -> Iterator[None]:
    try:
        yield
    except GSSError as error:
        raise ConfigurationError(
            f"{_sentence(error)} Run kinit, or name a keytab: c.YarnSpawner.keytab for the hub, "
            "KRB5_CLIENT_KTNAME for commands."
        ) from error


def _sentence(error: Any) -> str:
    """Return what MIT's library says: the mechanism's own message, which names the reason."""
    said = error.get_all_statuses(error.min_code, False) or error.get_all_statuses(
        error.maj_code, True
    )
    return f"Kerberos: {'; '.join(said).rstrip('.')}."


def _require_gssapi() -> None:
    if gssapi is None:
        raise ConfigurationError(
            "The cluster has Kerberos, for which python-gssapi is needed: install "
            "yarnhub[kerberos]."
        )
