"""The properties of hdfs-site.xml, and the address of HDFS. Values only, as in `configuration`."""

from __future__ import annotations

from pathlib import Path

from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.settings import ClusterSettings

Properties = dict[str, str]

#: The name of a pair of NameNodes, which stands in URLs instead of a host.
NAME_SERVICE = "minihadoop"


def namenode_name(index: int) -> str:
    """Return the daemon's name. The first one of a pair has the name of a single one."""
    return f"namenode{index + 1}" if index else "namenode"


def default_fs(settings: ClusterSettings, ports: Ports) -> str:
    """Return the URL of HDFS; with HA it has the name service instead of a host."""
    host, port = ports.namenode_address()
    return f"hdfs://{NAME_SERVICE}" if settings.ha else f"hdfs://{host}:{port}"


def names_folder(state: Path, index: int = 0) -> Path:
    """Return the directory of a NameNode's image and edits."""
    return state / "dfs" / (f"name{index + 1}" if index else "name")


def hdfs_site(settings: ClusterSettings, ports: Ports, state: Path) -> Properties:
    properties = {
        **_namenodes(settings, ports, state),
        "dfs.replication": str(min(3, settings.datanodes)),
        # A restarted NameNode leaves safe mode when its blocks are reported, not 30 s later.
        "dfs.namenode.safemode.extension": "0",
        # One of a few DataNodes is soon busier than the average, and would get no replica. Files
        # with too few replicas fail when Java clients append to them.
        "dfs.namenode.redundancy.considerLoad": "false",
    }
    if settings.datanodes < 3:
        # A file is often closed before the last replica is reported, and then clients sleep.
        properties["dfs.namenode.file.close.num-committed-allowed"] = "1"
    return properties


def _namenodes(settings: ClusterSettings, ports: Ports, state: Path) -> Properties:
    """Return the addresses. Failover of a pair is manual, by `failover`."""
    urls = [ports.namenode_url(i).removeprefix("http://") for i in range(settings.masters)]
    if not settings.ha:
        return {"dfs.namenode.http-address": urls[0]}
    properties = {
        "dfs.nameservices": NAME_SERVICE,
        f"dfs.ha.namenodes.{NAME_SERVICE}": "nn1,nn2",
        "dfs.ha.automatic-failover.enabled": "false",
        f"dfs.client.failover.proxy.provider.{NAME_SERVICE}": (
            "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider"
        ),
        # A shared directory instead of JournalNodes on several hosts.
        "dfs.namenode.shared.edits.dir": f"file://{state}/dfs/edits",
    }
    for index, url in enumerate(urls):
        suffix = f"{NAME_SERVICE}.nn{index + 1}"
        host, port = ports.namenode_address(index)
        properties |= {
            f"dfs.namenode.rpc-address.{suffix}": f"{host}:{port}",
            f"dfs.namenode.http-address.{suffix}": url,
        }
    return properties


def namenode_site(settings: ClusterSettings, state: Path, index: int) -> Properties:
    own = {"dfs.namenode.name.dir": f"file://{names_folder(state, index)}"}
    return own | ({"dfs.ha.namenode.id": f"nn{index + 1}"} if settings.ha else {})


def datanode_site(ports: Ports, state: Path, index: int) -> Properties:
    host = ports.datanode_host(index)
    data, rpc, http = ports.datanode(index)
    return {
        "dfs.datanode.data.dir": f"file://{state}/dfs/data{index + 1}",
        "dfs.datanode.hostname": host,
        "dfs.datanode.address": f"{host}:{data}",
        "dfs.datanode.ipc.address": f"{host}:{rpc}",
        "dfs.datanode.http.address": f"{host}:{http}",
    }
