"""The additional configuration of a cluster with Kerberos, and its principals. Values only, as in
`configuration`."""

from __future__ import annotations

from pathlib import Path

from yarnhub.minihadoop.hdfs_site import Properties
from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.settings import ClusterSettings, Security

REALM = "YARNHUB.TEST"
#: The daemons' services. On one machine all are on the host localhost.
SERVICES = ("nn", "dn", "rm", "nm", "HTTP")


def service_principal(service: str, host: str = "localhost") -> str:
    """Return the Kerberos principal of a service on a host."""
    return f"{service}/{host}@{REALM}"


def keytab(state: Path, name: str) -> Path:
    """Return the keytab of a service, the hub or a user."""
    return state / "krb5" / "keytabs" / f"{name}.keytab"


def login_variables(state: Path, name: str) -> dict[str, str]:
    """Return the variables that make a client log in with a keytab, and keep tickets in memory."""
    return {"KRB5_CLIENT_KTNAME": str(keytab(state, name)), "KRB5CCNAME": f"MEMORY:{name}"}


def secure_properties(
    security: Security, superuser: str, ports: Ports, state: Path
) -> tuple[Properties, Properties, Properties]:
    """Return the additional properties of core-site, hdfs-site and yarn-site."""
    renew_ms = str(1000 * security.token_renew_seconds)
    max_ms = str(1000 * security.token_max_seconds)
    core = {
        "hadoop.security.authentication": "kerberos",
        "hadoop.rpc.protection": security.protection,
        # Daemons map to the superuser, other principals to their first part.
        "hadoop.security.auth_to_local": (
            f"RULE:[2:$1@$0]([ndr][nm]@{REALM})s/.*/{superuser}/\nDEFAULT"
        ),
    }
    hdfs = {
        "dfs.block.access.token.enable": "true",
        "dfs.data.transfer.protection": security.protection,
        # Real DataNodes use ports below 1024, or TLS.
        "ignore.secure.ports.for.testing": "true",
        "dfs.namenode.kerberos.principal": _master("nn", ports.namenode_host, ports),
        "dfs.namenode.keytab.file": str(keytab(state, "nn")),
        "dfs.datanode.kerberos.principal": _worker("dn", ports),
        "dfs.datanode.keytab.file": str(keytab(state, "dn")),
        "dfs.web.authentication.kerberos.principal": _worker("HTTP", ports),
        "dfs.web.authentication.kerberos.keytab": str(keytab(state, "HTTP")),
        "dfs.namenode.delegation.token.renew-interval": renew_ms,
        "dfs.namenode.delegation.token.max-lifetime": max_ms,
    }
    yarn = {
        "yarn.acl.enable": "true",
        "yarn.admin.acl": superuser,
        "yarn.resourcemanager.principal": _master("rm", ports.resourcemanager_host, ports),
        "yarn.resourcemanager.keytab": str(keytab(state, "rm")),
        "yarn.nodemanager.principal": _worker("nm", ports),
        "yarn.nodemanager.keytab": str(keytab(state, "nm")),
        "yarn.resourcemanager.delegation.token.renew-interval": renew_ms,
        "yarn.resourcemanager.delegation.token.max-lifetime": max_ms,
    }
    return core, hdfs, yarn


def webhdfs_properties(settings: ClusterSettings, ports: Ports, state: Path) -> Properties:
    """Return the additional core-site properties that make a NameNode's pages require a ticket.

    Without them WebHDFS trusts the user name in a request. That is acceptable on one machine, where
    only local users can connect.
    """
    if not (settings.security and ports.distributed):
        return {}
    prefix = "hadoop.http.authentication"
    return {
        f"{prefix}.type": "kerberos",
        f"{prefix}.kerberos.principal": _worker("HTTP", ports),
        f"{prefix}.kerberos.keytab": str(keytab(state, "HTTP")),
    }


def _master(service: str, host: str, ports: Ports) -> str:
    """Return the principal of a daemon that clients call.

    Clients replace _HOST with the host's canonical name. On one machine that is localhost. For a
    container it would be the engine's name for it, so a distributed cluster names the host.
    """
    return service_principal(service, host if ports.distributed else "_HOST")


def _worker(service: str, ports: Ports) -> str:
    """Return the principal of a daemon that only logs in.

    It replaces _HOST with its configured host name, which is an address on one machine.
    """
    return service_principal(service, "_HOST" if ports.distributed else "localhost")
