"""Whether each daemon serves, by what the daemons themselves say over HTTP."""

from __future__ import annotations

import json
from typing import Any

from yarnhub.minihadoop.failover import HaPair
from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.rest import get_json, jmx
from yarnhub.minihadoop.settings import superuser


def namenode_ready(ports: Ports, index: int = 0, pair: HaPair | None = None) -> bool:
    """Tell whether it is out of safe mode, and takes calls: on a busy machine that comes later.
    One that stands by is ready when it can take over."""
    url = ports.namenode_url(index)
    if jmx(url, "NameNode,name=NameNodeInfo").get("Safemode") != "":
        return False
    if jmx(url, "NameNode,name=NameNodeStatus").get("State") == "standby":
        return pair is not None and pair.takes_orders(index)
    asked = f"{url}/webhdfs/v1/?op=GETFILESTATUS&user.name={superuser()}"
    return "FileStatus" in get_json(asked)


def datanode_ready(ports: Ports, index: int, namenodes: int = 1) -> bool:
    """Tell whether it is registered, by its own word, and each NameNode that answers knows its
    storage."""
    data, _, http = ports.datanode(index)
    own = jmx(f"http://{ports.datanode_host(index)}:{http}", "DataNode,name=DataNodeInfo")
    actors = json.loads(own.get("BPServiceActorInfo") or "[]")
    if not any(actor.get("ActorState") == "RUNNING" for actor in actors):
        return False
    urls = [ports.namenode_url(i) for i in range(namenodes)]
    infos = [info for url in urls if (info := jmx(url, "NameNode,name=NameNodeInfo"))]
    return bool(infos) and all(_knows(info, data) for info in infos)


def _knows(info: dict[str, Any], datanode: int) -> bool:
    live = json.loads(info.get("LiveNodes") or "{}").values()
    # A first heartbeat without capacity can come before the storage report.
    return any(node["xferaddr"].endswith(f":{datanode}") and node["capacity"] > 0 for node in live)


def resourcemanager_ready(ports: Ports, index: int = 0) -> bool:
    """Tell whether it answers, active or in standby."""
    return resourcemanager_state(ports, index) is not None


def resourcemanager_state(ports: Ports, index: int) -> str | None:
    """Return "ACTIVE" or "STANDBY", None where it does not answer."""
    url = f"{ports.resourcemanager_url(index)}/ws/v1/cluster/info"
    info = get_json(url).get("clusterInfo", {})
    return str(info["haState"]) if info.get("state") == "STARTED" else None


def nodemanager_ready(ports: Ports, index: int, since_ms: int) -> bool:
    """Tell whether the ResourceManager has it as running and heard of it since it was started."""
    host = ports.nodemanager_host(index)
    own = get_json(f"http://{host}:{ports.nodemanager_http}/ws/v1/node/info")
    # What it calls itself: by the machine's name service, 127.0.0.1 is "localhost".
    name = own.get("nodeInfo", {}).get("id")
    # One in standby sends us to the active one.
    answer = get_json(f"{ports.resourcemanager_url()}/ws/v1/cluster/nodes")
    nodes = (answer.get("nodes") or {}).get("node") or []
    return any(
        node["id"] == name and node["state"] == "RUNNING" and node["lastHealthUpdate"] >= since_ms
        for node in nodes
    )
