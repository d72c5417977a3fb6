"""Who this process is to HDFS: by a delegation token that is still good, else by a ticket or a
keytab, and only without security by what the environment says. hdfs-native decides alike."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path

from hadoop_client.configuration import Configuration
from hadoop_client.security import token_file
from hadoop_client.security.credentials import Credentials, CredentialsError
from hadoop_client.security.delegation import HDFS_KIND, identity_of, short_name


def own_user() -> str:
    """Return whose this process's new files in HDFS are, by Hadoop's default rule for principals.

    Raises ConfigurationError where there is security and nobody is logged in.
    """
    site = Configuration.find()
    if site is not None and site.kerberos:
        return _owner_of_token() or os.environ.get("HADOOP_PROXY_USER") or _of_ticket(site)
    return account()


def account() -> str:
    """Return who a process is where everybody is believed."""
    return os.environ.get("HADOOP_USER_NAME") or pwd.getpwuid(os.geteuid()).pw_name


def _owner_of_token() -> str | None:
    """Return for whom the token file opens HDFS; None where it doesn't."""
    path = os.environ.get(token_file.VARIABLE)
    if not path:
        return None
    try:
        tokens = Credentials.from_bytes(Path(path).read_bytes()).tokens.values()
        found = [identity_of(token) for token in tokens if token.kind == HDFS_KIND]
    except (OSError, CredentialsError):
        return None
    good = [each.owner for each in found if each.max_date > time.time() * 1000]
    return short_name(good[0]) if good else None


def _of_ticket(site: Configuration) -> str:
    from hadoop_client.security import (
        kerberos,  # it loads python-gssapi, which servers have no use for
    )

    return kerberos.own_user(site)
