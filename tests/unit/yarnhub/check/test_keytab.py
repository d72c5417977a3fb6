"""Where the check finds the hub's keytab, and when it requires one."""

from __future__ import annotations

from pathlib import Path

import pytest

from yarnhub.check.results import Verdict
from yarnhub.check.security import check_keytab

SITE = """<configuration><property>
<name>hadoop.security.authentication</name><value>{}</value>
</property></configuration>"""


@pytest.fixture(autouse=True)
def conf_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cluster with Kerberos, and no keytab in the environment."""
    (tmp_path / "core-site.xml").write_text(SITE.format("kerberos"))
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    monkeypatch.delenv("KRB5_CLIENT_KTNAME", raising=False)
    return tmp_path


def test_a_cluster_with_kerberos_and_no_keytab_is_a_warning(conf_dir: Path):
    (result,) = check_keytab("")
    assert (result.verdict, "a kinit ticket" in result.why) == (Verdict.WARNING, True)


def test_without_kerberos_the_environments_keytab_does_not_matter(
    conf_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", "/nowhere/hub.keytab")
    (conf_dir / "core-site.xml").write_text(SITE.format("simple"))
    (result,) = check_keytab("")
    assert result.verdict is Verdict.SKIPPED


@pytest.mark.parametrize("prefix", ["", "FILE:"])
def test_the_environments_keytab_is_checked(
    prefix: str, conf_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    keytab = conf_dir / "hub.keytab"
    keytab.touch(0o644)
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", f"{prefix}{keytab}")
    (result,) = check_keytab("")
    assert result.verdict is Verdict.FAILED
    assert f"have access to {keytab} " in result.why


def test_the_configurations_keytab_takes_precedence(
    conf_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KRB5_CLIENT_KTNAME", str(conf_dir / "core-site.xml"))
    (result,) = check_keytab("/nowhere/hub.keytab")
    assert result.why == "/nowhere/hub.keytab does not exist."
