"""The owner of a delegation token is read from the token."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.security.credentials import CredentialsError, Token, encode_vint
from hadoop_client.security.delegation import HDFS_KIND, YARN_KIND, Identity, identity_of

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TIMES = st.integers(0, 2**62)
IDENTITIES = st.builds(Identity, NAMES, NAMES, NAMES, TIMES, TIMES)


def writable(identity: Identity) -> bytes:
    """Encode it as AbstractDelegationTokenIdentifier.write does."""
    out = b"\0"
    for text in (identity.owner, identity.renewer, identity.real_user):
        out += encode_vint(len(text.encode())) + text.encode()
    for number in (identity.issue_date, identity.max_date, 7, 2):
        out += encode_vint(number)
    return out


@given(IDENTITIES)
def test_of_hdfs(identity: Identity):
    assert identity_of(Token(writable(identity), b"p", HDFS_KIND)) == identity


@given(IDENTITIES)
def test_of_yarn(identity: Identity):
    assert identity_of(Token(identity.encode(), b"p", YARN_KIND)) == identity


def test_one_that_a_namenode_gave_out():
    data = (
        b"\x00\x05alice\x04root!jupyterhub/localhost@YARNHUB.TEST\x8a\x01\xa2\x0bX\xfa\xc0"
        b"\x8a\x01\xa2/e~\xc0\x01\x02"
    )
    identity = identity_of(Token(data, b"p", HDFS_KIND))
    assert (identity.owner, identity.renewer) == ("alice", "root")
    assert identity.real_user == "jupyterhub/localhost@YARNHUB.TEST"
    assert identity.max_date - identity.issue_date == 7 * 24 * 3600 * 1000


@given(st.binary(max_size=60), st.sampled_from([HDFS_KIND, YARN_KIND, "other"]))
def test_any_bytes_have_an_owner_or_raise_one_error(data: bytes, kind: str):
    with contextlib.suppress(CredentialsError):
        assert isinstance(identity_of(Token(data, b"p", kind)).owner, str)


@pytest.mark.parametrize("size", range(30))
def test_one_that_is_cut_short_is_no_other(size: int):
    whole = writable(Identity("alice", "yarn", "hub", 1 << 40, 1 << 41))
    assert len(whole) > 30  # two more numbers follow
    with pytest.raises(CredentialsError):
        identity_of(Token(whole[:size], b"p", HDFS_KIND))
