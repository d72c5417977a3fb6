"""A message between a container and the hub holds only with the start's key, and once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yarnspawner.container.sealing import (
    NotSealedError,
    authorization,
    new_nonce,
    seal,
    unseal,
    verify,
)

KEY = bytes(range(32))
NONCE = b"n" * 16
KEYS = st.binary(min_size=32, max_size=32)


@given(content=st.binary(max_size=300), key=KEYS)
def test_an_answer_is_read_with_the_key_and_the_requests_nonce(content: bytes, key: bytes):
    answer = seal(key, NONCE, content)
    assert unseal(key, NONCE, answer) == content
    assert len(answer) == len(content) + 48


@given(content=st.binary(min_size=8, max_size=300))
def test_an_answer_hides_its_content_and_is_never_the_same(content: bytes):
    first, second = seal(KEY, NONCE, content), seal(KEY, NONCE, content)
    assert content not in first
    assert first[16:-32] != second[16:-32]


@given(content=st.binary(max_size=100), data=st.data())
def test_an_answer_that_was_changed_is_refused(content: bytes, data: st.DataObject):
    answer = bytearray(seal(KEY, NONCE, content))
    index = data.draw(st.integers(0, len(answer) - 1))
    answer[index] ^= data.draw(st.integers(1, 255))
    with pytest.raises(NotSealedError):
        unseal(KEY, NONCE, bytes(answer))


@given(answer=st.binary(max_size=200))
def test_any_bytes_are_refused_as_an_answer(answer: bytes):
    with pytest.raises(NotSealedError):
        unseal(KEY, NONCE, answer)


def test_an_answer_to_another_request_or_of_another_start_is_refused():
    answer = seal(KEY, NONCE, b"tokens")
    for key, nonce in ((KEY, new_nonce()), (bytes(32), NONCE)):
        with pytest.raises(NotSealedError):
            unseal(key, nonce, answer)


@given(body=st.binary(max_size=100), key=KEYS)
def test_a_request_is_verified_with_the_key(body: bytes, key: bytes):
    header = authorization(key, NONCE, "port", body)
    assert verify(key, header, "port", body) == NONCE
    assert key.hex() not in header
    changed_key = bytes([key[0] ^ 1]) + key[1:]
    for other_key, purpose, other_body in (
        (changed_key, "port", body),
        (key, "tokens", body),
        (key, "port", body + b"x"),
    ):
        with pytest.raises(NotSealedError):
            verify(other_key, header, purpose, other_body)


@given(header=st.text() | st.from_regex(r"yarnhub [0-9a-f]{32} [0-9a-f]{64}", fullmatch=True))
def test_any_header_is_refused(header: str):
    with pytest.raises(NotSealedError):
        verify(KEY, header, "port", b"")


def test_a_server_without_a_start_accepts_no_request():
    with pytest.raises(NotSealedError):
        verify(b"", authorization(b"", NONCE, "port", b""), "port", b"")
