"""The HDFS user of this process.

With Kerberos it is the owner of a valid delegation token, or else of the ticket or keytab. Without,
it is the user that the environment names. hdfs-native decides in the same way.
"""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path

from hadoop_client.configuration import Configuration
from hadoop_client.security import token_file
from hadoop_client.security.auth_to_local import user_of
from hadoop_client.security.credentials import Credentials, CredentialsError
from hadoop_client.security.delegation import HDFS_KIND, identity_of


def own_user() -> str:
    """Return the owner of new files in HDFS, by Hadoop's rules for principals.

    Raises ConfigurationError if the cluster has Kerberos and this process is not logged in.
    """
    site = Configuration.find()
    if site is not None and site.kerberos:
        return _owner_of_token(site) or os.environ.get("HADOOP_PROXY_USER") or _of_ticket(site)
    return account()


def account() -> str:
    """Return the user of this process on a cluster without Kerberos."""
    return os.environ.get("HADOOP_USER_NAME") or pwd.getpwuid(os.geteuid()).pw_name


def _owner_of_token(site: Configuration) -> str | None:
    """Return the owner of the token file's valid HDFS token; None if it has none."""
    path = os.environ.get(token_file.VARIABLE)
    if not path:
        return None
    try:
        tokens = Credentials.from_bytes(Path(path).read_bytes()).tokens.values()
        identities = [identity_of(token) for token in tokens if token.kind == HDFS_KIND]
    except (OSError, CredentialsError):
        return None
    now = time.time() * 1000
    owners = [identity.owner for identity in identities if identity.max_date > now]
    if not owners:
        return None
    # A node may have no krb5.conf, and the NameNode has accepted the principal.
    return user_of(owners[0], site, default_realm=owners[0].partition("@")[2])


def _of_ticket(site: Configuration) -> str:
    # Imported here because it loads python-gssapi, which servers do not need.
    from hadoop_client.security import kerberos

    return kerberos.own_user(site)
