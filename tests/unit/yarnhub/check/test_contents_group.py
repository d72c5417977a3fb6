"""`yarnhub check contents` where HDFS cannot be opened: one line, with a remedy that fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from yarnhub.check.cli import _contents
from yarnhub.check.results import Verdict


@pytest.mark.parametrize(
    ("url", "why", "remedy"),
    [
        ("hdfs://127.0.0.1:1", "it refuses connections", "Check that HDFS runs"),
        ("s3a://bucket", "Set c.YarnSpawner.hdfs, and YARNHUB_HDFS for commands", ""),
    ],
)
def test_it_fails_in_one_line(
    url: str, why: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = f"<property><name>fs.defaultFS</name><value>{url}</value></property>"
    (tmp_path / "core-site.xml").write_text(f"<configuration>{value}</configuration>")
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")
    [result] = _contents(None)
    assert result.verdict is Verdict.FAILED
    assert why in result.why
    assert result.remedy.startswith(remedy)
    assert bool(result.remedy) == bool(remedy)
