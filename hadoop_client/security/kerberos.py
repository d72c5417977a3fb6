"""Kerberos for the RPC clients: SASL's GSSAPI (RFC 4752) over MIT's library, by python-gssapi.

- The identity is the process's, as for every Kerberos client: a ticket of `kinit`, or a keytab that
  KRB5_CLIENT_KTNAME names. From a keytab the library gets tickets by itself, and new ones before
  they end: there is nothing to renew. It reads the keytab each time, so that one with a new key is
  only put into the old one's place.
- A KDC that does not answer holds nobody up for long. MIT's library gives it up after a minute, so
  we wait for it in a thread, and while that one goes on in vain nobody else begins to wait.
- A server has to be who the configuration says: any other principal of the realm is refused.
- Of the protections, the first in `hadoop.rpc.protection` that the server offers is taken.

On the hub only: containers have tokens. Source: org.apache.hadoop.security.SaslRpcClient and
SecurityUtil.
"""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Lock, Thread
from typing import Any, TypeVar

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.security import keytab as keytabs
from hadoop_client.security.delegation import short_name
from hadoop_client.security.sasl import Mechanism, MechanismFactory, Offer, Prepare, SaslError

try:
    import gssapi
    from gssapi.raw import GSSError
except ImportError:  # a cluster without security needs none
    gssapi = None  # type: ignore[assignment]

#: Where the configuration says who a service is.
RESOURCEMANAGER, NAMENODE = "yarn.resourcemanager.principal", "dfs.namenode.kerberos.principal"

#: RFC 4752's bits, by Hadoop's names.
LAYERS = {"authentication": 1, "integrity": 2, "privacy": 4}

ANY_SIZE = b"\xff\xff\xff"

#: How long a login waits for the KDC: less than any call waits for one of a pair of servers.
KDC_SECONDS = 8.0

KDC_AWAY = -1765328228
OTHER_KEY = (-1765328360, -1765328353)
OTHER_TIME = (-1765328347, -1765328236)

#: MIT's numbers: KRB5_KDC_UNREACH; KRB5KDC_ERR_PREAUTH_FAILED, KRB5KRB_AP_ERR_BAD_INTEGRITY;
#: KRB5KRB_AP_ERR_SKEW, KRB5_KDCREP_SKEW; KRB5KRB_AP_ERR_TKT_EXPIRED.
EXPIRED = -1765328352

KEYTAB = "KRB5_CLIENT_KTNAME"

Result = TypeVar("Result")


class _Process:
    """Whom `use_keytab` made of this process, and its one question to the KDC at a time."""

    principal: str | None = None
    caches = 0
    asking = Lock()
    given_up: Future[Any] | None = None


def use_keytab(keytab: str, principal: str | None = None) -> None:
    """Make this process log in by a keytab, hdfs-native and all; its tickets are in no file.

    Of a keytab with several keys the first is taken, unless `principal` says which. The KDC is not
    asked yet. Raises ConfigurationError.
    """
    _require_gssapi()
    found = keytabs.principals(keytab)
    chosen = [each for each in found if principal in (None, each, each.partition("@")[0])]
    if not chosen:
        raise ConfigurationError(
            f"The keytab {keytab} has no key of {principal}, but of {', '.join(found)}: correct "
            "c.YarnSpawner.principal, or c.YarnSpawner.keytab."
        )
    os.environ[KEYTAB] = f"FILE:{Path(keytab).absolute()}"
    os.environ["KRB5CCNAME"] = "MEMORY:yarnhub"
    _Process.principal = chosen[0]


def environments_keytab() -> str:
    """Return the keytab that the environment names, as every Kerberos client takes it, if any."""
    return os.environ.get(KEYTAB, "").removeprefix("FILE:")


def own_user(configuration: Configuration) -> str:
    """Return who this process is to Hadoop.

    By Kerberos it is the first part of the principal, by Hadoop's default rule. Raises
    ConfigurationError where nobody is logged in. After `use_keytab` the KDC is not asked.
    """
    if not configuration.kerberos:
        return os.environ.get("HADOOP_USER_NAME") or getpass.getuser()
    _require_gssapi()
    return short_name(_Process.principal or _default_principal())


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
        return _in_time(lambda: _factory(principal_of(principal, host), protections))

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
        try:
            self._context, self._first = _begin(principal, {})
        except KerberosError as error:
            if error.number != EXPIRED or _Process.principal is None:
                raise
            # MIT's library has failed to get a new one, and goes on with the old one for half a
            # minute. Without it, it says why; and tries again.
            cache = f"MEMORY:yarnhub-{_Process.caches}"
            store = {"ccache": cache, "client_keytab": os.environ[KEYTAB]}
            self._context, self._first = _begin(principal, {"store": store})
            _Process.caches += 1

    def step(self, challenge: bytes | None) -> bytes:
        if challenge is None:
            return self._first
        if not self._context.complete:
            return _do(self._context.step, challenge) or b""
        offered = _do(self._context.unwrap, challenge).message
        if len(offered) != 4:
            raise SaslError("the server's offer of protections is cut short")
        chosen = self._choose(offered[0])
        self.complete = True
        self.layered, self._sealed = chosen != "authentication", chosen == "privacy"
        answer = bytes([LAYERS[chosen]]) + (ANY_SIZE if self.layered else bytes(3))
        return _do(self._context.wrap, answer, False).message

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
        return _do(self._context.wrap, data, self._sealed).message

    def unwrap(self, data: bytes) -> bytes:
        opened = _do(self._context.unwrap, data)
        if self._sealed and not opened.encrypted:
            raise SaslError("the server stopped to encrypt what it sends")
        return opened.message


class KerberosError(SaslError):
    """What MIT's library did not do. `number` is its own of the reason."""

    def __init__(self, sentence: str, number: int) -> None:
        super().__init__(sentence)
        self.number = number


def _do(call: Callable[..., Any], *arguments: Any) -> Any:
    """Call MIT's library; raises KerberosError.

    What it has to say of an error it says only in the thread that called.
    """
    try:
        return call(*arguments)
    except GSSError as error:
        number = error.min_code - (1 << 32)  # the library's are negative, GSSAPI's are not
        said = [
            each for each in error.get_all_statuses(error.min_code, False) if each != "Success"
        ] or error.get_all_statuses(error.maj_code, True)
        sentence = f"Kerberos: {'; '.join(said).rstrip('.')}{_advice(number)}"
        raise KerberosError(sentence, number) from error


def _advice(number: int) -> str:
    if number in OTHER_KEY and (file := environments_keytab()):
        return f": the KDC has another key than {file}, which has to be exported anew"
    return ": run a time service (chrony) on both" if number in OTHER_TIME else ""


def _in_time(ask: Callable[[], Result]) -> Result:
    """Return what `ask` does, which may wait for the KDC; raises KerberosError where that takes too
    long. What goes on then does not keep the process from its end."""
    silence = KerberosError(
        f"Kerberos: the KDC does not answer within {KDC_SECONDS:.0f} s", KDC_AWAY
    )
    if _Process.given_up is not None and not _Process.given_up.done():
        raise silence
    deadline = time.monotonic() + KDC_SECONDS
    if not _Process.asking.acquire(timeout=KDC_SECONDS):
        raise silence
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            outcome.set_exception(error)
        finally:
            _Process.asking.release()

    Thread(target=run, name="kerberos", daemon=True).start()
    if not wait([outcome], deadline - time.monotonic()).done:
        _Process.given_up = outcome
        raise silence
    return outcome.result()


def _name(principal: str) -> Any:
    return gssapi.Name(principal, gssapi.NameType.kerberos_principal)


def _begin(principal: str, where: dict[str, Any]) -> tuple[Any, bytes]:
    """Return a context for the service, and the first message: by the key that `use_keytab` chose,
    or as MIT's library does it by itself. `where` says which tickets to use."""
    flag = gssapi.RequirementFlag
    flags = (
        flag.mutual_authentication
        | flag.replay_detection
        | flag.out_of_sequence_detection
        | flag.integrity
        | flag.confidentiality
    )
    own = None
    if _Process.principal is not None:
        name = _name(_Process.principal)
        own = _do(lambda: gssapi.Credentials(name=name, usage="initiate", **where))
    context = gssapi.SecurityContext(
        name=_name(principal),
        creds=own,
        mech=gssapi.MechType.kerberos,
        flags=flags,
        usage="initiate",
    )
    return context, _do(context.step)


def _default_principal() -> str:
    """Return whose ticket there is, or is to be had by KRB5_CLIENT_KTNAME."""
    try:
        return str(_in_time(lambda: _do(lambda: gssapi.Credentials(usage="initiate").name)))
    except KerberosError as error:
        remedy = "Run kinit, or name a keytab by KRB5_CLIENT_KTNAME; for a hub c.YarnSpawner.keytab"
        if error.number == KDC_AWAY:
            remedy = "See that the KDC runs, and that krb5.conf says where"
        told = error.number in (*OTHER_KEY, *OTHER_TIME)
        raise ConfigurationError(f"{error}." if told else f"{error}. {remedy}.") from error


def _require_gssapi() -> None:
    if gssapi is None:
        raise ConfigurationError(
            "The cluster has Kerberos, for which python-gssapi is needed: install "
            "yarnhub[kerberos]."
        )
