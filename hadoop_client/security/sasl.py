"""SASL mechanisms: they authenticate a connection and protect it afterwards.

`DigestMd5` (RFC 2831) uses Hadoop's tokens. A `MechanismFactory` makes any other `Mechanism` for an
offer of the server. Hadoop's protocol requires MD5 and RC4.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from hadoop_client.security.credentials import Token
from hadoop_client.wire import Message, bytes_, string

if TYPE_CHECKING:
    from typing import TypeAlias  # new in 3.10

MAX_BUFFER = 65536

#: DIGEST-MD5's protections by Hadoop's names, the weakest first.
PROTECTIONS = {"authentication": "auth", "integrity": "auth-int", "privacy": "auth-conf"}


class SaslError(Exception):
    """Authentication failed, or a packet was tampered with."""


@dataclass(frozen=True)
class Offer(Message):
    """One login that a server offers. `protocol` and `server_id` name the server's principal."""

    method: str = string(1, "")
    mechanism: str = string(2, "")
    protocol: str | None = string(3)
    server_id: str | None = string(4)
    challenge: bytes | None = bytes_(5)


class Mechanism(Protocol):
    """The client's side of one login."""

    @property
    def complete(self) -> bool:
        """Whether both sides are authenticated."""

    @property
    def layered(self) -> bool:
        """Whether all data after the login goes through `wrap` and `unwrap`."""

    def step(self, challenge: bytes | None) -> bytes:
        """Answer a challenge; None if the server has sent none yet."""

    def wrap(self, data: bytes) -> bytes:
        """Protect data to send."""

    def unwrap(self, data: bytes) -> bytes:
        """Verify received data and return its content; raises `SaslError`."""


#: Makes the mechanism for an offer, or returns None.
MechanismFactory: TypeAlias = "Callable[[Offer], Mechanism | None]"

#: Prepares the login at a host before each connection. May ask other servers.
Prepare: TypeAlias = "Callable[[str], MechanismFactory]"


_md5 = partial(hashlib.md5, usedforsecurity=False) if sys.version_info >= (3, 9) else hashlib.md5


def _hex(text: str) -> str:
    return _md5(text.encode()).hexdigest()


class Rc4:
    """The stream cipher, for one direction."""

    def __init__(self, key: bytes) -> None:
        state = list(range(256))
        j = 0
        for i in range(256):
            j = (j + state[i] + key[i % len(key)]) & 255
            state[i], state[j] = state[j], state[i]
        self._state, self._i, self._j = state, 0, 0

    def __call__(self, data: bytes) -> bytes:
        state, i, j = self._state, self._i, self._j
        out = bytearray()
        for byte in data:
            i = (i + 1) & 255
            j = (j + state[i]) & 255
            state[i], state[j] = state[j], state[i]
            out.append(byte ^ state[(state[i] + state[j]) & 255])
        self._i, self._j = i, j
        return bytes(out)


class Channel:
    """One direction of a protected connection: signed, numbered and, if `sealed`, encrypted."""

    def __init__(self, session_key: bytes, direction: str, sealed: bool) -> None:
        magic = f"Digest session key to {direction} signing key magic constant"
        self._signing_key = _md5(session_key + magic.encode()).digest()
        magic = f"Digest H(A1) to {direction} sealing key magic constant"
        self._cipher = Rc4(_md5(session_key + magic.encode()).digest()) if sealed else bytes
        self._number = 0

    def _mac(self, data: bytes) -> tuple[bytes, bytes]:
        number = self._number.to_bytes(4, "big")
        self._number = (self._number + 1) & 0xFFFFFFFF
        return hmac.new(self._signing_key, number + data, _md5).digest()[:10], number

    def wrap(self, data: bytes) -> bytes:
        mac, number = self._mac(data)
        return self._cipher(data + mac) + b"\0\1" + number

    def unwrap(self, data: bytes) -> bytes:
        if len(data) < 16:
            raise SaslError("a protected packet is cut short")
        opened = self._cipher(data[:-6])
        mac, number = self._mac(opened[:-10])
        if not hmac.compare_digest(opened[-10:] + data[-6:], mac + b"\0\1" + number):
            raise SaslError("a protected packet was changed or lost in transit")
        return opened[:-10]


class DigestMd5:
    """DIGEST-MD5: both sides prove that they know the password, neither sends it.

    `protections` are the configured ones, by Hadoop's names and in the order of preference. The
    login uses one of them that the server offers, or else a stronger one, and never a weaker one.
    Without any it uses the first one that the server offers.
    """

    def __init__(
        self,
        username: str,
        password: str,
        uri: str,
        client_nonce: str,
        protections: Sequence[str] = (),
    ) -> None:
        self._username = username
        self._password = password
        self._uri = uri
        self._client_nonce = client_nonce
        self._protections = protections
        self._expected = ""
        self._sending: Channel | None = None
        self._receiving: Channel | None = None
        self.complete = False

    @classmethod
    def for_token(cls, token: Token, offer: Offer, protections: Sequence[str] = ()) -> DigestMd5:
        """Log in with a Hadoop token."""
        username, password, nonce = (
            base64.b64encode(data).decode()
            for data in (token.identifier, token.password, os.urandom(24))
        )
        uri = f"{offer.protocol or ''}/{offer.server_id or ''}"
        return cls(username, password, uri, nonce, protections)

    @property
    def layered(self) -> bool:
        return self._sending is not None

    def step(self, challenge: bytes | None) -> bytes:
        if challenge is None:
            return b""
        directives = parse_directives(challenge)
        if "rspauth" not in directives:
            return self._respond(directives)
        if not self._expected or not hmac.compare_digest(directives["rspauth"], self._expected):
            raise SaslError("the server did not prove that it knows the token")
        self.complete = True
        return b""

    def _respond(self, challenge: dict[str, str]) -> bytes:
        realm, nonce = challenge.get("realm", ""), challenge.get("nonce", "")
        qop = self._choose(challenge)
        secret = _md5(f"{self._username}:{realm}:{self._password}".encode()).digest()
        session_key = _md5(secret + f":{nonce}:{self._client_nonce}".encode()).digest()

        def digest(verb: str) -> str:
            a2 = f"{verb}:{self._uri}" + ("" if qop == "auth" else ":" + "0" * 32)
            parts = (session_key.hex(), nonce, "00000001", self._client_nonce, qop, _hex(a2))
            return _hex(":".join(parts))

        self._expected = digest("")
        if qop != "auth":
            sealed = qop == "auth-conf"
            self._sending = Channel(session_key, "client-to-server", sealed)
            self._receiving = Channel(session_key, "server-to-client", sealed)
        names = {"username": self._username, "realm": realm, "nonce": nonce}
        names["cnonce"], names["digest-uri"] = self._client_nonce, self._uri
        quoted = [f"{name}={_quote(value)}" for name, value in names.items()]
        quoted += ['cipher="rc4"'] if qop == "auth-conf" else []
        plain = f"nc=00000001,maxbuf={MAX_BUFFER},qop={qop},response={digest('AUTHENTICATE')}"
        return ",".join(["charset=utf-8", *quoted, plain]).encode()

    def _choose(self, challenge: dict[str, str]) -> str:
        listed = re.split(r"[\s,]+", challenge.get("qop", "auth"))
        ciphers = re.split(r"[\s,]+", challenge.get("cipher", ""))
        strengths = list(PROTECTIONS.values())
        # Hadoop lists protections in the administrator's order of preference.
        offered = [
            qop for qop in listed if qop in strengths and (qop != "auth-conf" or "rc4" in ciphers)
        ]
        wanted = [PROTECTIONS[name] for name in self._protections if name in PROTECTIONS]
        weakest = min(map(strengths.index, wanted), default=0)
        for qop in (*wanted, *offered):
            if qop in offered and strengths.index(qop) >= weakest:
                return qop
        ours = "this client has auth, auth-int, and auth-conf with rc4"
        if wanted:
            ours = f"this configuration's hadoop.rpc.protection is {','.join(self._protections)}"
        raise SaslError(
            f"no common protection: the server offers {', '.join(listed)} with "
            f"{challenge.get('cipher')}, {ours}"
        )

    def wrap(self, data: bytes) -> bytes:
        assert self._sending is not None
        return self._sending.wrap(data)

    def unwrap(self, data: bytes) -> bytes:
        assert self._receiving is not None
        return self._receiving.unwrap(data)


def parse_directives(challenge: bytes) -> dict[str, str]:
    """Parse `name=value, name="quoted value"`; the first value of a name counts."""
    text = challenge.decode("utf-8", "replace")
    # The optional value keeps it linear.
    pattern = r'([\w-]+)(?:\s*(=)\s*(?:"((?:[^"\\]|\\.)*)"|([^",\s]*)))?'
    return {
        name.lower(): plain or re.sub(r"\\(.)", r"\1", quoted)
        for name, equals, quoted, plain in reversed(re.findall(pattern, text))
        if equals
    }


def _quote(value: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
