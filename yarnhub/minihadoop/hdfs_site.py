"""What hdfs-site.xml of a cluster says, and how clients call its HDFS: values, as all of
`configuration`."""

from __future__ import annotations

from pathlib import Path

from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.settings import ClusterSettings

Properties = dict[str, str]

#: The name of a pair of NameNodes, in the place of a host.
NAME_SERVICE = "minihadoop"


def namenode_name(index: int) -> str:
    """Return the name of the daemon, as that of a ResourceManager."""
    return f"namenode{index + 1}" if index else "namenode"


def default_fs(settings: ClusterSettings, ports: Ports) -> str:
    """Return HDFS's address; that of a pair is a name that the configuration explains."""
    host, port = ports.namenode_address()
    return f"hdfs://{NAME_SERVICE}" if settings.ha else f"hdfs://{host}:{port}"


def names_folder(state: Path, index: int = 0) -> Path:
    """Return where a NameNode keeps what it knows."""
    return state / "dfs" / (f"name{index + 1}" if index else "name")


def hdfs_site(settings: ClusterSettings, ports: Ports, state: Path) -> Properties:
    properties = {
        **_namenodes(settings, ports, state),
        "dfs.replication": str(min(3, settings.datanodes)),
        # A NameNode that finds its files again serves at once, not half a minute later.
        "dfs.namenode.safemode.extension": "0",
        # Of a handful of DataNodes one is soon busier than all on the average, and would be passed
        # over: a file then has too few copies, and clients in Java fail to append to it.
        "dfs.namenode.redundancy.considerLoad": "false",
    }
    if settings.datanodes < 3:
        # Closing a file beats the block report of the last replica, and clients then sleep.
        properties["dfs.namenode.file.close.num-committed-allowed"] = "1"
    return properties


def _namenodes(settings: ClusterSettings, ports: Ports, state: Path) -> Properties:
    """Say where they are; of a pair nobody but us chooses the active one."""
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
        # A folder instead of the journal of several hosts.
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
