"""Whether each daemon serves, by what the daemons themselves say over HTTP."""

from __future__ import annotations

import json

from yarnhub.minihadoop.ports import HOST, Ports, node_host
from yarnhub.minihadoop.rest import get_json, jmx


def namenode_ready(ports: Ports) -> bool:
    """Tell whether it is out of safe mode."""
    info = jmx(f"http://{HOST}:{ports.namenode_http}", "NameNode,name=NameNodeInfo")
    return info.get("Safemode") == ""


def datanode_ready(ports: Ports, index: int) -> bool:
    """Tell whether it is registered, by its own word, and the NameNode knows its storage."""
    data, _, http = ports.datanode(index)
    own = jmx(f"http://{HOST}:{http}", "DataNode,name=DataNodeInfo")
    actors = json.loads(own.get("BPServiceActorInfo") or "[]")
    if not any(actor.get("ActorState") == "RUNNING" for actor in actors):
        return False
    info = jmx(f"http://{HOST}:{ports.namenode_http}", "NameNode,name=NameNodeInfo")
    live = json.loads(info.get("LiveNodes") or "{}").values()
    # A first heartbeat without capacity can come before the storage report.
    return any(node["xferaddr"].endswith(f":{data}") and node["capacity"] > 0 for node in live)


def resourcemanager_ready(ports: Ports, index: int = 0) -> bool:
    """Tell whether it answers, active or in standby."""
    return resourcemanager_state(ports, index) is not None


def resourcemanager_state(ports: Ports, index: int) -> str | None:
    """Return "ACTIVE" or "STANDBY", None where it does not answer."""
    url = f"http://{HOST}:{ports.of_resourcemanager(index).http}/ws/v1/cluster/info"
    info = get_json(url).get("clusterInfo", {})
    return str(info["haState"]) if info.get("state") == "STARTED" else None


def nodemanager_ready(ports: Ports, index: int, since_ms: int) -> bool:
    """Tell whether the ResourceManager has it as running and heard of it since it was started."""
    own = get_json(f"http://{node_host(index)}:{ports.nodemanager_http}/ws/v1/node/info")
    # What it calls itself: by the machine's name service, 127.0.0.1 is "localhost".
    name = own.get("nodeInfo", {}).get("id")
    # One in standby sends us to the active one.
    answer = get_json(f"http://{HOST}:{ports.resourcemanager_http}/ws/v1/cluster/nodes")
    nodes = (answer.get("nodes") or {}).get("node") or []
    return any(
        node["id"] == name and node["state"] == "RUNNING" and node["lastHealthUpdate"] >= since_ms
        for node in nodes
    )
