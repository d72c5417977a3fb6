"""Recognizes credentials in names and contents of files, and removes them from URLs of records."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

#: Names of files that hold credentials.
_NAMES = re.compile(
    r"[._]netrc|\.pypirc|\.git-credentials|\.pgpass|\.my\.cnf|\.dockercfg|\.authinfo"
    r"|\.env(\.(?!example|sample|template)[^/]*)?"
    r"|id_(rsa|dsa|ecdsa|ed25519)(_sk)?|krb5cc_.*|.*\.(keytab|kdbx|p12|pfx)"
    r"|kaggle\.json|jupyter(hub)?_cookie_secret"
)
_PATHS = re.compile(r"(.*/)?(\.aws/credentials|\.docker/config\.json|\.ssh/[^/]+)", re.DOTALL)

#: Contents with credentials, by their names in messages. In `$` or braces, a password is the name
#: of a variable. Anaconda has tokens in paths.
_CONTENTS = {
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    "a URL with a password": re.compile(
        rb"://(?:[^\s/:@\"'<>{}$]*:[^\s/@\"'<>{}$]+|[^\s/:@\"'<>{}$]{8,})@[\w\[]"
    ),
    "a URL with a token": re.compile(rb"://[^\s\"'<>]+/t/[\w-]{6,}/"),
}

_VARIABLE = re.compile(
    r"PASSWORD|PASSWD|SECRET|CREDENTIAL|(^|_)(TOKEN|API_?KEY|ACCESS_KEY)(_|$)", re.IGNORECASE
)

_USER_OF_URL = re.compile(rb"(?<=://)[^\s/@\"'<>\\]+@")
_TOKEN_OF_URL = re.compile(rb"(://[^\s\"'<>]+/t/)[\w-]{6,}(?=/)")


def has_private_name(name: str) -> bool:
    """Return whether a file of that name holds credentials."""
    return bool(_NAMES.fullmatch(posixpath.basename(name)) or _PATHS.fullmatch(name))


def private_content(data: bytes) -> str:
    """Return what is private in a text file, empty for nothing."""
    if b"\0" in data:
        return ""
    return next((what for what, pattern in _CONTENTS.items() if pattern.search(data)), "")


def has_private_variable(names: Iterable[str]) -> str:
    """Return the first variable whose name is that of a credential, empty if there is none."""
    return next((name for name in sorted(names) if _VARIABLE.search(name)), "")


def is_record(name: str) -> bool:
    """Return whether a file has the address that a package came from.

    It is published without the credentials in that address.
    """
    is_conda_record = name.startswith("conda-meta/") and name.endswith(".json")
    return is_conda_record or posixpath.basename(name) == "direct_url.json"


def without_credentials(data: bytes) -> bytes:
    """Return a text without the users, passwords and tokens in its URLs."""
    return _TOKEN_OF_URL.sub(rb"\1<TOKEN>", _USER_OF_URL.sub(b"", data))
