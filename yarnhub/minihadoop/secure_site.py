"""What a cluster's configuration says on top where there is Kerberos, and who is who in its realm:
values, as all of `configuration`."""

from __future__ import annotations

from pathlib import Path

from yarnhub.minihadoop.hdfs_site import Properties
from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.settings import ClusterSettings, Security

REALM = "YARNHUB.TEST"
#: The daemons' services; each host's, in a cluster on one machine, is localhost's.
SERVICES = ("nn", "dn", "rm", "nm", "HTTP")


def service_principal(service: str, host: str = "localhost") -> str:
    """Return the Kerberos principal of a service on a host."""
    return f"{service}/{host}@{REALM}"


def keytab(state: Path, name: str) -> Path:
    """Return the keytab of a daemon's service, the hub or a user."""
    return state / "krb5" / "keytabs" / f"{name}.keytab"


def login_variables(state: Path, name: str) -> dict[str, str]:
    """Return what makes a client log in by a keytab, and leave its tickets nowhere."""
    return {"KRB5_CLIENT_KTNAME": str(keytab(state, name)), "KRB5CCNAME": f"MEMORY:{name}"}


def secure_properties(
    security: Security, superuser: str, ports: Ports, state: Path
) -> tuple[Properties, Properties, Properties]:
    """Return what core-site, hdfs-site and yarn-site have on top where there is Kerberos."""
    renew_ms = str(1000 * security.token_renew_seconds)
    max_ms = str(1000 * security.token_max_seconds)
    core = {
        "hadoop.security.authentication": "kerberos",
        "hadoop.rpc.protection": security.protection,
        # The daemons are the superuser, everybody else is the first part of their principal.
        "hadoop.security.auth_to_local": (
            f"RULE:[2:$1@$0]([ndr][nm]@{REALM})s/.*/{superuser}/\nDEFAULT"
        ),
    }
    hdfs = {
        "dfs.block.access.token.enable": "true",
        "dfs.data.transfer.protection": security.protection,
        # Real ones have ports below 1024, or TLS.
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
    """Return what a NameNode's core-site has on top, by which its pages ask for a ticket.

    Else WebHDFS believes whoever asks; on one machine that is the machine's own people.
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
    """Return the principal of one whom clients call.

    They take the host's canonical name for _HOST, which is localhost on one machine; that of a
    container would be what its engine calls it.
    """
    return service_principal(service, host if ports.distributed else "_HOST")


def _worker(service: str, ports: Ports) -> str:
    """Return the principal of one who only logs in: for _HOST it takes the name that it was given,
    and on one machine that is an address."""
    return service_principal(service, "_HOST" if ports.distributed else "localhost")
