"""Checks that users can log in, as far as the hub's configuration and this account show it."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yarnhub.check.results import CheckResult, Verdict

if TYPE_CHECKING:
    from traitlets.config.loader import Config

    from yarnhub.check.settings import HubSettings

GROUP = "login"
NO_CONFIG = "Give the hub's configuration with --config."

#: The hashes of the passwords of this machine's accounts.
SHADOW = "/etc/shadow"


@dataclass(frozen=True)
class LogIn:
    """How users log in: the authenticator's class, and whether its settings allow any user.

    `is_pam`: with accounts of the edge node. `is_jupyterhubs`: the class is JupyterHub's own.
    """

    name: str
    allows_users: bool
    is_pam: bool = False
    is_jupyterhubs: bool = True


@dataclass(frozen=True)
class Account:
    """The account that the hub will run as."""

    name: str
    reads_passwords: bool


def check_login(settings: HubSettings) -> list[CheckResult]:
    """Make the hub's authenticator, which contacts nothing, and judge it."""
    if settings.config is None:
        return [CheckResult(GROUP, Verdict.SKIPPED, NO_CONFIG)]
    try:
        log_in = read_log_in(settings.config)
    except Exception as error:  # noqa: BLE001 - an authenticator is a site's own program
        why = f"The authenticator could not be made: {type(error).__name__}: {error}."
        remedy = "Correct c.JupyterHub.authenticator_class."
        return [CheckResult(GROUP, Verdict.FAILED, why, remedy)]
    account = Account(getpass.getuser(), os.access(SHADOW, os.R_OK))
    return [judge_login(log_in, account)]


def read_log_in(config: Config) -> LogIn:
    """Return how users log in with a configuration. Raises what the authenticator raises."""
    from jupyterhub.app import JupyterHub
    from jupyterhub.auth import PAMAuthenticator
    from traitlets.config.loader import Config

    given = config.JupyterHub.get("authenticator_class")
    options = {} if given is None else {"authenticator_class": given}
    kind = JupyterHub(config=Config(JupyterHub=options)).authenticator_class
    authenticator = kind(config=config)
    return LogIn(
        kind.__name__,
        bool(authenticator.any_allow_config or authenticator.admin_users),
        issubclass(kind, PAMAuthenticator),
        kind.__module__.partition(".")[0] == "jupyterhub",
    )


def judge_login(log_in: LogIn, account: Account) -> CheckResult:
    """Judge whether users can log in to a hub of `account`."""
    if not log_in.allows_users:
        return CheckResult(
            GROUP,
            Verdict.FAILED if log_in.is_jupyterhubs else Verdict.WARNING,
            "The configuration allows no user to log in.",
            "Set c.Authenticator.allowed_users, or c.Authenticator.allow_all = True.",
        )
    if not log_in.is_pam:
        return CheckResult(GROUP, Verdict.OK, f"Users log in with {log_in.name}.")
    if account.reads_passwords:
        why = "Users log in with their accounts on this machine (PAM)."
        return CheckResult(GROUP, Verdict.OK, why)
    return CheckResult(
        GROUP,
        Verdict.WARNING,
        f"Users log in with PAM, and {account.name} cannot read {SHADOW}: of the accounts with a "
        f"password there, only {account.name} can log in.",
        "Set c.JupyterHub.authenticator_class to another log-in, or run the hub as root. PAM "
        "modules for accounts of a directory service, such as SSSD, may need neither.",
    )
