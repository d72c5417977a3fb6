"""The umask of new files, from the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadoop_client.hdfs.umask import parse_umask, umask


@pytest.fixture(autouse=True)
def conf_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("HADOOP_HOME", raising=False)
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    return tmp_path


def configure(conf_dir: Path, value: str) -> None:
    (conf_dir / "core-site.xml").write_text(
        "<configuration><property><name>fs.permissions.umask-mode</name>"
        f"<value>{value}</value></property></configuration>"
    )


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("022", 0o022),
        (" 0027 ", 0o027),
        ("+077", 0o077),
        ("000", 0),
        ("u=rwx,g=rx,o=rx", 0o022),
        ("u=rwx, g=rwx, o=", 0o007),
        ("a=rx,u=rwx", 0o022),
        ("ug+rw", 0o117),
        ("a=rwx,o=", 0o007),
        ("a=rwx,go-w", 0o077),
        ("=r", 0o333),
    ],
)
def test_a_umask_is_read_as_hadoop_reads_it(text: str, bits: int) -> None:
    assert parse_umask(text) == bits


@pytest.mark.parametrize("text", ["22", "1022", "088", "rwx", "u=rwt", "u=rwx;g=rx", ","])
def test_anything_but_a_umask_is_one_sentence(text: str, conf_dir: Path) -> None:
    configure(conf_dir, text)
    with pytest.raises(OSError, match=r"which is not a umask such as 022: correct it there"):
        umask()


def test_the_umask_is_the_configurations_or_that_of_hadoop_itself(
    conf_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert umask() == 0o022  # a directory without site files
    configure(conf_dir, "027")
    assert umask() == 0o027
    monkeypatch.delenv("HADOOP_CONF_DIR")
    home = conf_dir / "home"
    (home / "etc" / "hadoop").mkdir(parents=True)
    configure(home / "etc" / "hadoop", "077")
    monkeypatch.setenv("HADOOP_HOME", str(home))
    assert umask() == 0o077


def test_a_configuration_that_can_not_be_read_is_one_sentence(conf_dir: Path) -> None:
    (conf_dir / "core-site.xml").write_text("<configuration>")
    with pytest.raises(OSError, match=r"can be created: .* is not well-formed") as raised:
        umask()
    assert "\n" not in str(raised.value)
