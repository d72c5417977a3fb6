"""The configurations with which users cannot log in."""

from __future__ import annotations

from pathlib import Path

import pytest

from yarnhub.check.login import Account, LogIn, check_login, judge_login, read_log_in
from yarnhub.check.results import Verdict
from yarnhub.check.settings import HubSettings, read_settings

ROOT, HUB = Account("root", reads_passwords=True), Account("jupyterhub", reads_passwords=False)


def log_in(lines: str, folder: Path) -> LogIn:
    file = folder / "jupyterhub_config.py"
    file.write_text(f"c = get_config()\n{lines}\n")
    config = read_settings(file).config
    assert config is not None
    return read_log_in(config)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", LogIn("PAMAuthenticator", allows_users=False, is_pam=True)),
        (
            "c.Authenticator.allowed_users = {'alice'}",
            LogIn("PAMAuthenticator", allows_users=True, is_pam=True),
        ),
        (
            "c.LocalAuthenticator.allowed_groups = {'staff'}",
            LogIn("PAMAuthenticator", allows_users=True, is_pam=True),
        ),
        (
            "c.JupyterHub.authenticator_class = 'dummy'\nc.Authenticator.admin_users = {'alice'}",
            LogIn("DummyAuthenticator", allows_users=True),
        ),
        (
            "from tests.unit.yarnhub.check.test_login import Own\n"
            "c.JupyterHub.authenticator_class = Own",
            LogIn("Own", allows_users=False, is_jupyterhubs=False),
        ),
    ],
)
def test_the_authenticator_is_that_of_the_configuration(
    lines: str, expected: LogIn, tmp_path: Path
):
    assert log_in(lines, tmp_path) == expected


def own_class() -> type:
    from jupyterhub.auth import Authenticator

    return type("Own", (Authenticator,), {"__module__": __name__})


Own = own_class()


def test_a_configuration_that_allows_no_user_is_a_failure():
    result = judge_login(LogIn("PAMAuthenticator", allows_users=False, is_pam=True), ROOT)
    assert result.verdict is Verdict.FAILED
    assert result.why == "The configuration allows no user to log in."
    own = LogIn("Own", allows_users=False, is_jupyterhubs=False)
    assert judge_login(own, ROOT).verdict is Verdict.WARNING  # it may have options of its own


def test_a_hub_that_cannot_read_the_passwords_of_others_is_a_warning():
    pam = LogIn("PAMAuthenticator", allows_users=True, is_pam=True)
    assert judge_login(pam, ROOT).verdict is Verdict.OK
    result = judge_login(pam, HUB)
    assert result.verdict is Verdict.WARNING
    assert "only jupyterhub can log in" in result.why
    other = LogIn("LDAPAuthenticator", allows_users=True, is_jupyterhubs=False)
    assert judge_login(other, HUB).verdict is Verdict.OK


def test_without_a_configuration_nothing_is_known():
    assert [result.verdict for result in check_login(HubSettings())] == [Verdict.SKIPPED]


def test_an_authenticator_that_cannot_be_made_is_a_failure(tmp_path: Path):
    file = tmp_path / "jupyterhub_config.py"
    file.write_text("c = get_config()\nc.JupyterHub.authenticator_class = 'absent.Absent'\n")
    [result] = check_login(read_settings(file))
    assert result.verdict is Verdict.FAILED
    assert "absent" in result.why
