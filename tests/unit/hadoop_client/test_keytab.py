"""The principals in a keytab, and the errors of files without any."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from hadoop_client.configuration import ConfigurationError
from hadoop_client.security.keytab import principals


def counted(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text


def entry(realm: bytes, *names: bytes) -> bytes:
    """One key, as `ktadd` of MIT's kadmin writes it."""
    body = struct.pack(">H", len(names)) + b"".join(map(counted, (realm, *names)))
    body += struct.pack(">IIBH", 1, 1700000000, 2, 18) + counted(b"k" * 32) + struct.pack(">I", 2)
    return struct.pack(">i", len(body)) + body


HUB, ALICE = entry(b"R", b"hub", b"edge.example"), entry(b"R", b"alice")
REMOVED = struct.pack(">i", -7) + b"removed"


def written(folder: Path, data: bytes) -> Path:
    file = folder / "hub.keytab"
    file.write_bytes(data)
    return file


def test_each_principal_is_returned_once_in_the_files_order(tmp_path: Path) -> None:
    file = written(tmp_path, b"\x05\x02" + HUB + REMOVED + HUB + ALICE)
    assert principals(file) == ["hub/edge.example@R", "alice@R"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x05\x02", b"\x05\x02" + HUB[:9], b"\x05\x02" + HUB[:3], b"#!/bin/sh\n", REMOVED],
)
def test_anything_but_a_keytab_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(
        ConfigurationError, match=r"hub\.keytab is not a keytab or contains no key\. "
    ):
        principals(written(tmp_path, data))


def test_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"hub\.keytab cannot be read \(no such file"):
        principals(tmp_path / "hub.keytab")
