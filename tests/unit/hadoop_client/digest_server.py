"""The server's side of DIGEST-MD5, written from RFC 2831 without any code of the client."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def keystream(key: bytes) -> Iterator[int]:
    box = list(range(256))
    y = 0
    for x in range(256):
        y = (y + box[x] + key[x % len(key)]) % 256
        box[x], box[y] = box[y], box[x]
    x = y = 0
    while True:
        x = (x + 1) % 256
        y = (y + box[x]) % 256
        box[x], box[y] = box[y], box[x]
        yield box[(box[x] + box[y]) % 256]


class Refused(Exception):
    """The client did not prove that it knows the password, or its packet was changed."""


class Direction:
    def __init__(self, a1_hash: bytes, name: bytes, sealed: bool) -> None:
        signing = b"Digest session key to " + name + b" signing key magic constant"
        sealing = b"Digest H(A1) to " + name + b" sealing key magic constant"
        self.key = md5(a1_hash + signing)
        self.stream = keystream(md5(a1_hash + sealing)) if sealed else None
        self.count = 0

    def crypt(self, data: bytes) -> bytes:
        return bytes(b ^ next(self.stream) for b in data) if self.stream else data

    def mac(self, data: bytes) -> bytes:
        return hmac.new(self.key, self.count.to_bytes(4, "big") + data, "md5").digest()[:10]

    def seal(self, data: bytes) -> bytes:
        packet = self.crypt(data + self.mac(data)) + b"\x00\x01" + self.count.to_bytes(4, "big")
        self.count += 1
        return packet

    def open(self, packet: bytes) -> bytes:
        plain = self.crypt(packet[:-6])
        data, mac = plain[:-10], plain[-10:]
        if mac != self.mac(data) or packet[-6:] != b"\x00\x01" + self.count.to_bytes(4, "big"):
            raise Refused("bad packet")
        self.count += 1
        return data


def split(text: str) -> dict[str, str]:
    """Parse the directives of a well-behaved client (no commas within quotes)."""
    pairs = (part.partition("=") for part in text.split(","))
    return {name: value.strip('"') for name, _, value in pairs}


class DigestServer:
    """One login. `password_of` returns a user's password."""

    def __init__(
        self, password_of: Callable[[str], str | None], qop: str = "auth", realm: str = "default"
    ) -> None:
        self.password_of = password_of
        self.qop = qop
        self.realm = realm
        self.nonce = "bm9uY2UvKz0="
        self.receiving: Direction | None = None
        self.sending: Direction | None = None

    def challenge(self) -> bytes:
        cipher = ',cipher="3des,rc4,des"' if "auth-conf" in self.qop else ""
        return (
            f'realm="{self.realm}",nonce="{self.nonce}",qop="{self.qop}",charset=utf-8,'
            f"algorithm=md5-sess{cipher}"
        ).encode()

    def respond(self, response: bytes) -> bytes:
        """Check the client's answer, and return the server's proof."""
        directives = split(response.decode())
        password = self.password_of(directives["username"])
        if password is None or (directives["nonce"], directives["realm"]) != (
            self.nonce,
            self.realm,
        ):
            raise Refused("unknown user")
        if directives["qop"] not in self.qop.split(",") or directives["nc"] != "00000001":
            raise Refused("bad choice")
        inner = md5(f"{directives['username']}:{directives['realm']}:{password}".encode())
        a1_hash = md5(inner + f":{self.nonce}:{directives['cnonce']}".encode())

        def expected(method: str) -> str:
            a2 = f"{method}:{directives['digest-uri']}"
            if directives["qop"] in ("auth-int", "auth-conf"):
                a2 += ":00000000000000000000000000000000"
            middle = f"{self.nonce}:{directives['nc']}:{directives['cnonce']}:{directives['qop']}"
            return md5(f"{a1_hash.hex()}:{middle}:{md5(a2.encode()).hex()}".encode()).hex()

        if directives["response"] != expected("AUTHENTICATE"):
            raise Refused("wrong password")
        if directives["qop"] != "auth":
            sealed = directives["qop"] == "auth-conf"
            assert directives.get("cipher") == ("rc4" if sealed else None)
            self.receiving = Direction(a1_hash, b"client-to-server", sealed)
            self.sending = Direction(a1_hash, b"server-to-client", sealed)
        return b"rspauth=" + expected("").encode()
