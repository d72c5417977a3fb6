"""Whether each daemon is ready, from the daemons' own status over HTTP."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Mapping

from yarnhub.minihadoop.failover import HaPair
from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.rest import get_json, jmx
from yarnhub.minihadoop.settings import superuser
from yarnhub.node_http import open_url


def namenode_ready(ports: Ports, index: int = 0, pair: HaPair | None = None) -> bool:
    """Return whether it has left safe mode and answers calls, which may follow later.

    A standby NameNode is ready when it can take over.
    """
    url = ports.namenode_url(index)
    if jmx(url, "NameNode,name=NameNodeInfo").get("Safemode") != "":
        return False
    if jmx(url, "NameNode,name=NameNodeStatus").get("State") == "standby":
        return pair is not None and pair.accepts_requests(index)
    return wants_ticket(url) or answers_calls(url)


def answers_calls(namenode_url: str) -> bool:
    """Return whether it answers WebHDFS's calls of the superuser."""
    return "FileStatus" in get_json(_root(namenode_url))


def wants_ticket(namenode_url: str) -> bool:
    """Return whether WebHDFS takes no user's name, as with Kerberos before Hadoop 3.3."""
    try:
        open_url(_root(namenode_url), 5).close()
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        pass
    return False


def _root(namenode_url: str) -> str:
    return f"{namenode_url}/webhdfs/v1/?op=GETFILESTATUS&user.name={superuser()}"


def datanode_ready(ports: Ports, index: int, namenodes: int = 1) -> bool:
    """Return whether it is registered, and each NameNode that answers knows its storage."""
    data, _, http = ports.datanode(index)
    own = jmx(f"http://{ports.datanode_host(index)}:{http}", "DataNode,name=DataNodeInfo")
    actors = json.loads(own.get("BPServiceActorInfo") or "[]")
    if not any(actor.get("ActorState") == "RUNNING" for actor in actors):
        return False
    urls = [ports.namenode_url(i) for i in range(namenodes)]
    infos = [info for url in urls if (info := jmx(url, "NameNode,name=NameNodeInfo"))]
    return bool(infos) and all(_knows(info, data) for info in infos)


def _knows(info: Mapping[str, str], datanode: int) -> bool:
    live = json.loads(info.get("LiveNodes") or "{}").values()
    # The first heartbeat, without capacity, can come before the storage report.
    return any(node["xferaddr"].endswith(f":{datanode}") and node["capacity"] > 0 for node in live)


def resourcemanager_ready(ports: Ports, index: int = 0) -> bool:
    """Return whether it answers, as active or standby."""
    return resourcemanager_state(ports, index) is not None


def resourcemanager_state(ports: Ports, index: int) -> str | None:
    """Return "ACTIVE" or "STANDBY", or None if it does not answer."""
    url = f"{ports.resourcemanager_url(index)}/ws/v1/cluster/info"
    info = get_json(url).get("clusterInfo", {})
    return str(info["haState"]) if info.get("state") == "STARTED" else None


def nodemanager_ready(ports: Ports, index: int, since_ms: int) -> bool:
    """Return whether the ResourceManager lists it as running, with a heartbeat since its start."""
    host = ports.nodemanager_host(index)
    own = get_json(f"http://{host}:{ports.nodemanager_http}/ws/v1/node/info")
    # Its own name for itself: the machine's name service may map 127.0.0.1 to "localhost".
    name = own.get("nodeInfo", {}).get("id")
    # A standby ResourceManager redirects to the active one.
    active = 1 if resourcemanager_state(ports, 0) == "STANDBY" else 0
    listing = get_json(f"{ports.resourcemanager_url(active)}/ws/v1/cluster/nodes")
    nodes = (listing.get("nodes") or {}).get("node") or []
    return any(
        node["id"] == name and node["state"] == "RUNNING" and node["lastHealthUpdate"] >= since_ms
        for node in nodes
    )
