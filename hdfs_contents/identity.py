"""Who this process is to HDFS, as hdfs-native decides it: by a delegation token, else by a ticket
or keytab, and only on a cluster without security by what the environment says."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from hdfs_contents import configuration, token_file
from yarnspawner.hadoop.configuration import Configuration, ConfigurationError
from yarnspawner.hadoop.credentials import Credentials, CredentialsError
from yarnspawner.hadoop.delegation import HDFS_KIND, identity_of


def own_user() -> str:
    """Return whose this process's new files in HDFS are, by Hadoop's default rule for principals.

    Where nobody is logged in, who it would be without security: each call then says what is wrong.
    """
    try:
        site = configuration.site()
        if site is not None and site.kerberos:
            return _owner_of_token() or os.environ.get("HADOOP_PROXY_USER") or _of_ticket(site)
    except ConfigurationError:
        pass
    return os.environ.get("HADOOP_USER_NAME") or pwd.getpwuid(os.geteuid()).pw_name


def _owner_of_token() -> str | None:
    """Return for whom the token file opens HDFS; None where it doesn't."""
    path = os.environ.get(token_file.VARIABLE)
    if not path:
        return None
    try:
        tokens = Credentials.from_bytes(Path(path).read_bytes()).tokens.values()
        owners = [identity_of(token).owner for token in tokens if token.kind == HDFS_KIND]
    except (OSError, CredentialsError):
        return None
    return owners[0].partition("@")[0].partition("/")[0] if owners else None


def _of_ticket(site: Configuration) -> str:
    from yarnspawner.hadoop import kerberos  # it loads python-gssapi, which servers have no use for

    return kerberos.own_user(site)
