"""A YARN container with an environment: the time until its Python runs, and of its imports."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import hdfs_native
import httpx

from yarnhub.minihadoop import MiniHadoop
from yarnspawner.launch.program import PACKED_SUFFIX, unpack_command
from yarnspawner.launch.spec import ENVIRONMENT_LINK

TIMEOUT_SECONDS = 600

#: Runs in the container; both clocks are this machine's. It writes no bytecode, as in a directory
#: that all users share.
PROBE = """
import time
ready = time.time()
import json, os, sys
began = time.perf_counter()
import jupyterhub.singleuser
times = {"ready": ready, "import": time.perf_counter() - began}
with open(sys.argv[1] + ".part", "w") as file:
    json.dump(times, file)
os.rename(sys.argv[1] + ".part", sys.argv[1])
"""


@dataclass(frozen=True)
class Delivery:
    """An archive in HDFS. YARN unpacks the kind `archive`, the container the kind `file`."""

    path: str
    kind: str


@dataclass(frozen=True)
class ContainerTimes:
    """The seconds from the submit until Python runs, and of the first import."""

    ready_seconds: float
    import_seconds: float


def measure_container(hadoop: MiniHadoop, delivery: Delivery, folder: Path) -> ContainerTimes:
    """Submit an application, and wait for the times that its Python writes."""
    probe, output = folder / "probe.py", folder / "times.json"
    probe.write_text(PROBE)
    output.unlink(missing_ok=True)
    packed = [ENVIRONMENT_LINK] if delivery.kind == "file" else []
    # YARN's script has the container's command in double quotes.
    command = f"{unpack_command(packed)}{ENVIRONMENT_LINK}/bin/python -I -B {probe} {output}"
    url = f"{hadoop.resourcemanager_url}/ws/v1/cluster/apps"
    with httpx.Client(trust_env=False, params={"user.name": "alice"}, timeout=30) as http:
        application = http.post(f"{url}/new-application").json()["application-id"]
        submission = application_of(hadoop, application, delivery, command)
        submitted = time.time()
        http.post(url, json=submission).raise_for_status()
        while not output.exists():
            if time.time() - submitted > TIMEOUT_SECONDS:
                raise TimeoutError(f"{application} has not started Python")
            time.sleep(0.02)
        times = json.loads(output.read_text())
        while http.get(f"{url}/{application}").json()["app"]["state"] not in ("FAILED", "FINISHED"):
            time.sleep(0.1)
    return ContainerTimes(times["ready"] - submitted, times["import"])


def application_of(
    hadoop: MiniHadoop, application: str, delivery: Delivery, command: str
) -> dict[str, object]:
    """Return the application for YARN's REST API; its master never registers."""
    packed = delivery.kind == "file"
    status = hdfs_native.Client().get_file_info(delivery.path)
    archive = {
        "resource": hadoop.default_fs + delivery.path,
        "type": "FILE" if packed else "ARCHIVE",
        "visibility": "PUBLIC",
        "size": status.length,
        "timestamp": status.modification_time,
    }
    link = ENVIRONMENT_LINK + (PACKED_SUFFIX if packed else "")
    return {
        "application-id": application,
        "application-name": "environment",
        "max-app-attempts": 1,
        "resource": {"memory": 512, "vCores": 1},
        "am-container-spec": {
            "commands": {"command": command},
            "local-resources": {"entry": [{"key": link, "value": archive}]},
        },
    }
