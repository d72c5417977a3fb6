"""Kerberos for the RPC clients: SASL's GSSAPI (RFC 4752) through python-gssapi and MIT's library.

- The identity is the process's, as for every Kerberos client: a ticket of `kinit`, or a keytab that
  KRB5_CLIENT_KTNAME names. With a keytab the library gets tickets and renews them. It reads the
  keytab each time, so a keytab with a new key can simply replace the old one.
- A KDC that does not answer delays a call by 8 seconds at most.
- A server must have the principal that the configuration names.

Containers do not use this module, because they have tokens. Source: SaslRpcClient and SecurityUtil
in org.apache.hadoop.security.
"""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeVar

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.security import keytab as keytabs
from hadoop_client.security.auth_to_local import user_of
from hadoop_client.security.sasl import Mechanism, MechanismFactory, Offer, Prepare, SaslError

try:
    import gssapi
    from gssapi.raw import GSSError
except ImportError:  # not needed on a cluster without Kerberos
    gssapi = None  # type: ignore[assignment]

__all__ = ["NAMENODE", "RESOURCEMANAGER", "logins", "own_user", "use_keytab"]

#: The properties with the principals of services.
RESOURCEMANAGER, NAMENODE = "yarn.resourcemanager.principal", "dfs.namenode.kerberos.principal"

#: RFC 4752's bits, by Hadoop's names.
LAYERS = {"authentication": 1, "integrity": 2, "privacy": 4}

ANY_SIZE = b"\xff\xff\xff"

#: The longest wait for the KDC: less than a call's share of time for each of two servers.
KDC_SECONDS = 8.0

#: MIT's KRB5_KDC_UNREACH.
KDC_UNREACHABLE = -1765328228

#: MIT's KRB5KDC_ERR_PREAUTH_FAILED and KRB5KRB_AP_ERR_BAD_INTEGRITY.
WRONG_KEY = (-1765328360, -1765328353)

#: MIT's KRB5KRB_AP_ERR_SKEW and KRB5_KDCREP_SKEW.
CLOCK_SKEW = (-1765328347, -1765328236)

#: MIT's KRB5KRB_AP_ERR_TKT_EXPIRED.
EXPIRED = -1765328352

KEYTAB = "KRB5_CLIENT_KTNAME"

#: A ticket cache and a keytab, as `gssapi.Credentials` takes them.
Store = dict[bytes | str, bytes | str]

Params = ParamSpec("Params")
Result = TypeVar("Result")


class _Process:
    """The principal that `use_keytab` has set for this process, and its request to the KDC."""

    principal: str | None = None
    caches = 0
    asking = Lock()  # one request at a time
    given_up: Future[Any] | None = None


def use_keytab(keytab: str, principal: str | None = None) -> None:
    """Log this process in with a keytab, hdfs-native included. Tickets stay in memory.

    `principal`, with or without realm, selects a key of the keytab; the default is the first. The
    KDC is not asked yet. Raises ConfigurationError if the keytab cannot be used.
    """
    _require_gssapi()
    names = keytabs.principals(keytab)
    chosen = [name for name in names if principal in (None, name, name.partition("@")[0])]
    if not chosen:
        raise ConfigurationError(
            f"The keytab {keytab} has no key for {principal}, only for {', '.join(names)}. Correct "
            "c.YarnSpawner.principal or c.YarnSpawner.keytab."
        )
    os.environ[KEYTAB] = f"FILE:{Path(keytab).absolute()}"
    os.environ["KRB5CCNAME"] = "MEMORY:yarnhub"
    _Process.principal = chosen[0]


def environments_keytab() -> str:
    """Return the keytab that KRB5_CLIENT_KTNAME names, or an empty string."""
    return os.environ.get(KEYTAB, "").removeprefix("FILE:")


def own_user(configuration: Configuration) -> str:
    """Return this process's user in Hadoop.

    With Kerberos `hadoop.security.auth_to_local` gives it to the principal. Raises
    ConfigurationError if there is no ticket, or no rule applies. After `use_keytab` the KDC is not
    asked.
    """
    if not configuration.kerberos:
        return os.environ.get("HADOOP_USER_NAME") or getpass.getuser()
    _require_gssapi()
    principal = _Process.principal or _default_principal()
    user = user_of(principal, configuration, default_realm() or principal.partition("@")[2])
    if user is None:
        raise ConfigurationError(
            f"No rule of hadoop.security.auth_to_local gives {principal} a user. Add one to "
            "core-site.xml, here and on the cluster."
        )
    return user


def default_realm() -> str:
    """Return the realm of krb5.conf for names without one; empty if it has none."""
    if gssapi is None:
        return ""
    try:
        name = gssapi.Name("x", gssapi.NameType.kerberos_principal)
        return str(name.canonicalize(gssapi.MechType.kerberos)).partition("@")[2]
    except GSSError:
        return ""


def logins(configuration: Configuration, service: str) -> Prepare | None:
    """Return the `prepare` of a service's clients; None on a cluster without Kerberos.

    `service` is `RESOURCEMANAGER` or `NAMENODE`. Raises ConfigurationError if the configuration
    lacks the service's principal, or python-gssapi is missing.
    """
    if not configuration.kerberos:
        return None
    _require_gssapi()
    principal = configuration.get(service)
    if not principal or principal.count("@") != 1:
        raise ConfigurationError(
            f"The cluster uses Kerberos, but {service} is not a principal in this configuration. "
            "Copy it from the configuration of the cluster's nodes."
        )
    protections = configuration.rpc_protections or ("authentication",)
    unknown = [name for name in protections if name not in LAYERS]
    if unknown:
        raise ConfigurationError(
            f"hadoop.rpc.protection is {unknown[0]!r}, but must be one of {', '.join(LAYERS)}."
        )

    def prepare(host: str) -> MechanismFactory:
        return _in_time(lambda: _factory(principal_of(principal, host), protections))

    return prepare


def principal_of(principal: str, host: str) -> str:
    """Return a principal with _HOST replaced by the host's canonical name."""
    return principal.replace("/_HOST@", f"/{socket.getfqdn(host).lower()}@")


def _factory(principal: str, protections: Sequence[str]) -> MechanismFactory:
    """Get a ticket for the service, which may wait for the KDC, and return its mechanism."""
    mechanism = Gssapi(principal, protections)

    def for_offer(offer: Offer) -> Mechanism | None:
        if (offer.method, offer.mechanism) != ("KERBEROS", "GSSAPI"):
            return None
        # Any other principal of the realm would get a ticket too, so a wrong one is refused here.
        offered = f"{offer.protocol}/{offer.server_id}"
        if offered.lower() != principal.partition("@")[0].lower():
            raise SaslError(f"the server is {offered}, the configuration expects {principal}")
        return mechanism

    return for_offer


class Gssapi:
    """The client's side of one login. The constructor may wait for the KDC."""

    def __init__(self, principal: str, protections: Sequence[str]) -> None:
        self._protections = protections
        self._sealed = False
        self.complete = False
        self.layered = False
        try:
            self._context, self._first = _begin(principal)
        except KerberosError as error:
            if error.number != EXPIRED or _Process.principal is None:
                raise
            # MIT's library failed to get a new ticket and keeps the old one for half a minute. With
            # an empty cache it tries again, and reports why if it fails.
            cache = f"MEMORY:yarnhub-{_Process.caches}"
            store: Store = {"ccache": cache, "client_keytab": os.environ[KEYTAB]}
            self._context, self._first = _begin(principal, store)
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
        # In the administrator's order of preference.
        for protection in self._protections:
            if offered & LAYERS[protection]:
                return protection
        names = ", ".join(name for name, bit in LAYERS.items() if offered & bit)
        raise SaslError(
            f"no common protection: the server offers {names or 'none'}, this configuration's "
            f"hadoop.rpc.protection is {','.join(self._protections)}"
        )

    def wrap(self, data: bytes) -> bytes:
        return _do(self._context.wrap, data, self._sealed).message

    def unwrap(self, data: bytes) -> bytes:
        opened = _do(self._context.unwrap, data)
        if self._sealed and not opened.encrypted:
            raise SaslError("the server stopped encrypting its messages")
        return opened.message


class KerberosError(SaslError):
    """A failure of MIT's library; `number` is its error code."""

    def __init__(self, sentence: str, number: int) -> None:
        super().__init__(sentence)
        self.number = number


def _do(call: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs) -> Result:
    """Call MIT's library; raises KerberosError."""
    try:
        return call(*args, **kwargs)
    except GSSError as error:
        number = error.min_code - (1 << 32)  # MIT's codes are negative, GSSAPI's unsigned
        # The texts are kept per thread, so they are read in the thread of the call.
        texts = [
            text for text in error.get_all_statuses(error.min_code, False) if text != "Success"
        ] or error.get_all_statuses(error.maj_code, True)
        sentence = f"Kerberos: {'; '.join(texts).rstrip('.')}{_advice(number)}"
        raise KerberosError(sentence, number) from error


def _advice(number: int) -> str:
    if number in WRONG_KEY and (file := environments_keytab()):
        return f": the key in {file} no longer matches the KDC; export the keytab again"
    return ": run a time service (chrony) on both" if number in CLOCK_SKEW else ""


def _in_time(ask: Callable[[], Result]) -> Result:
    """Return the result of `ask`, which may wait for the KDC; raises KerberosError if it takes too
    long. The thread that still waits then does not delay the end of the process."""
    silence = KerberosError(
        f"Kerberos: the KDC did not answer within {KDC_SECONDS:.0f} s", KDC_UNREACHABLE
    )
    # MIT's library waits a minute. While a request that was given up still waits, others fail.
    if _Process.given_up is not None and not _Process.given_up.done():
        raise silence
    deadline = time.monotonic() + KDC_SECONDS
    if not _Process.asking.acquire(timeout=KDC_SECONDS):
        raise silence
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(ask())
        except BaseException as error:  # noqa: BLE001 (raised to the caller)
            outcome.set_exception(error)
        finally:
            _Process.asking.release()

    Thread(target=run, name="kerberos", daemon=True).start()
    if not wait([outcome], deadline - time.monotonic()).done:
        _Process.given_up = outcome
        raise silence
    return outcome.result()


def _name(principal: str) -> gssapi.Name:
    return gssapi.Name(principal, gssapi.NameType.kerberos_principal)


def _begin(principal: str, store: Store | None = None) -> tuple[gssapi.SecurityContext, bytes]:
    """Return a context for the service, and its first message.

    The client is the principal of `use_keytab`, or else MIT's default. `store` replaces the
    default ticket cache and keytab.
    """
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
        own = _do(lambda: gssapi.Credentials(name=name, usage="initiate", store=store))
    context = gssapi.SecurityContext(
        name=_name(principal),
        creds=own,
        mech=gssapi.MechType.kerberos,
        flags=flags,
        usage="initiate",
    )
    return context, _do(context.step) or b""


def _default_principal() -> str:
    """Return the principal of the ticket, or of the keytab in KRB5_CLIENT_KTNAME."""
    try:
        return str(_in_time(lambda: _do(lambda: gssapi.Credentials(usage="initiate").name)))
    except KerberosError as error:
        remedy = (
            "Run kinit, or set KRB5_CLIENT_KTNAME (for the hub: c.YarnSpawner.keytab) to a keytab"
        )
        if error.number == KDC_UNREACHABLE:
            remedy = "Check that the KDC is running and that krb5.conf has its address"
        has_advice = error.number in (*WRONG_KEY, *CLOCK_SKEW)
        raise ConfigurationError(f"{error}." if has_advice else f"{error}. {remedy}.") from error


def _require_gssapi() -> None:
    if gssapi is None:
        raise ConfigurationError(
            "The cluster uses Kerberos, which requires python-gssapi. Install yarnhub[kerberos]."
        )
