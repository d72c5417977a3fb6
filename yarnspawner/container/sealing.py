"""How a container and the hub authenticate their messages, and how the hub encrypts its answers.

The container's requests to the hub go over plain HTTP unless `internal_ssl` is on. Delegation
tokens must not be readable there. Each start has a random-looking key of 32 bytes, which travels in
the launch by Hadoop's RPC and never over this connection.

- A request has a random nonce and an HMAC over the nonce, its purpose and its body. It has no API
  token.
- An answer is encrypted, then authenticated. The stream is HMAC-SHA256 of a fresh nonce and a
  counter. A second HMAC covers the request's nonce too, so an answer to another request is refused.
- Each of the three uses has its own key, which is an HMAC of a label with the start's key. HMAC is
  a pseudo-random function, so none of them reveals another.

A replayed request yields an answer that only the key's owner can read, and the hub limits how often
it fetches tokens for a server. So the hub keeps no list of nonces, and no clocks need to agree.
`docs/architecture.md` says why only HMAC is used.
"""

from __future__ import annotations

import hashlib
import hmac
import os

NONCE_BYTES = 16
MAC_BYTES = 32

#: Begins the Authorization header. JupyterHub reads only `token` and `bearer`.
SCHEME = "yarnhub"


class NotSealedError(ValueError):
    """A message was not made with this start's key, or not for this request."""


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def new_nonce() -> bytes:
    """Return the nonce of one message."""
    return os.urandom(NONCE_BYTES)


def authorization(key: bytes, nonce: bytes, purpose: str, body: bytes) -> str:
    """Return a request's Authorization header. `purpose` is the last part of its path."""
    return f"{SCHEME} {nonce.hex()} {_request_mac(key, nonce, purpose, body).hex()}"


def verify(key: bytes, header: str, purpose: str, body: bytes) -> bytes:
    """Return the nonce of a request; raises `NotSealedError` if it was not made with the key."""
    scheme, _, rest = header.partition(" ")
    try:
        nonce, mac = (bytes.fromhex(part) for part in rest.split(" "))
    except ValueError:
        nonce = mac = b""
    # An unknown start has an empty key, with which anybody could make a MAC.
    if not key or scheme != SCHEME or len(nonce) != NONCE_BYTES:
        raise NotSealedError("the request is not signed")
    if not hmac.compare_digest(mac, _request_mac(key, nonce, purpose, body)):
        raise NotSealedError("the request was not signed with the key of this start")
    return nonce


def seal(key: bytes, request_nonce: bytes, content: bytes) -> bytes:
    """Encrypt and authenticate the answer to a request."""
    nonce = new_nonce()
    encrypted = _xor(content, _stream(key, nonce, len(content)))
    return nonce + encrypted + _answer_mac(key, request_nonce, nonce, encrypted)


def unseal(key: bytes, request_nonce: bytes, answer: bytes) -> bytes:
    """Decrypt the answer to a request; raises `NotSealedError`."""
    nonce, encrypted = answer[:NONCE_BYTES], answer[NONCE_BYTES:-MAC_BYTES]
    expected = _answer_mac(key, request_nonce, nonce, encrypted)
    if len(answer) < NONCE_BYTES + MAC_BYTES or not hmac.compare_digest(
        answer[-MAC_BYTES:], expected
    ):
        raise NotSealedError("the answer was not made with the key of this start")
    return _xor(encrypted, _stream(key, nonce, len(encrypted)))


def _request_mac(key: bytes, nonce: bytes, purpose: str, body: bytes) -> bytes:
    # The nonce has a fixed length and a purpose no line break, so the message is unambiguous.
    return _hmac(_hmac(key, b"request"), nonce + purpose.encode() + b"\n" + body)


def _answer_mac(key: bytes, request_nonce: bytes, nonce: bytes, encrypted: bytes) -> bytes:
    return _hmac(_hmac(key, b"answer, authentication"), request_nonce + nonce + encrypted)


def _stream(key: bytes, nonce: bytes, length: int) -> bytes:
    block_key = _hmac(key, b"answer, encryption")
    blocks = range(-(-length // MAC_BYTES))
    return b"".join(_hmac(block_key, nonce + block.to_bytes(8, "big")) for block in blocks)[:length]


def _xor(left: bytes, right: bytes) -> bytes:
    both = int.from_bytes(left, "big") ^ int.from_bytes(right, "big")
    return both.to_bytes(len(left), "big")
