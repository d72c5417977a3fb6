"""Each reader of the token file sees each new file once."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadoop_client.security.token_file import TokenFile


def test_each_file_that_was_put_there_is_seen_once_by_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "tokens"
    monkeypatch.setenv("HADOOP_TOKEN_FILE_LOCATION", str(path))
    reader, other = TokenFile(), TokenFile()
    assert reader.changed_path() is None  # it is not there yet
    path.write_bytes(b"first")
    assert [reader.changed_path(), reader.changed_path()] == [path, None]
    (tmp_path / "new").write_bytes(b"later")
    (tmp_path / "new").replace(path)
    assert [reader.changed_path(), reader.changed_path()] == [path, None]
    assert [other.changed_path(), other.changed_path()] == [path, None]


def test_without_tokens_there_is_nothing_to_see(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("HADOOP_TOKEN_FILE_LOCATION", raising=False)
    assert TokenFile().changed_path() is None
