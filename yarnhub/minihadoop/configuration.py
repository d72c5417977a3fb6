"""Hadoop's configuration for a cluster, as values: no file is touched here.

Where a value isn't Hadoop's default, it is because several daemons share one small machine, or
because real clusters set it so. What makes a cluster fast or slow is left alone (heartbeats above
all), so that what is measured here says something about others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from yarnhub.minihadoop.hdfs_site import (
    Properties,
    datanode_site,
    default_fs,
    hdfs_site,
    namenode_name,
    namenode_site,
)
from yarnhub.minihadoop.ports import HOST, Ports
from yarnhub.minihadoop.secure_site import secure_properties, webhdfs_properties
from yarnhub.minihadoop.settings import HUB_USER, PEOPLE, QUEUES, ClusterSettings

#: Maven has no libhadoop; without it each mode that is set would be a forked chmod.
#: For daemons only: a client may run without our jar.
_LOCAL_FILES = {
    "fs.file.impl": "yarnhub.minihadoop.NioLocalFileSystem",
    "fs.AbstractFileSystem.file.impl": "yarnhub.minihadoop.NioLocalFs",
}

#: Hosts that all end at once leave applications to the next ResourceManager whose masters are gone.
#: Ours are heard of every 30 s; the default is 10 minutes.
_SUDDEN_END = {"yarn.am.liveness-monitor.expiry-interval-ms": "120000"}


@dataclass(frozen=True)
class SiteFiles:
    """The four files of a configuration folder."""

    core: Properties
    hdfs: Properties
    yarn: Properties
    scheduler: Properties

    def files(self) -> dict[str, Properties]:
        return {
            "core-site.xml": self.core,
            "hdfs-site.xml": self.hdfs,
            "yarn-site.xml": self.yarn,
            "capacity-scheduler.xml": self.scheduler,
        }

    def changed(self, core: Properties, hdfs: Properties, yarn: Properties) -> SiteFiles:
        return SiteFiles(self.core | core, self.hdfs | hdfs, self.yarn | yarn, self.scheduler)


def cluster_site(settings: ClusterSettings, ports: Ports, state: Path) -> SiteFiles:
    """Return what clients read, and every daemon on top of what is its own."""
    site = SiteFiles(
        core=_core(settings, ports, state),
        hdfs=hdfs_site(settings, ports, state),
        yarn=_yarn(settings, ports, state),
        scheduler=_capacity_scheduler(),
    )
    if settings.security:
        secure = secure_properties(settings.security, settings.superuser, ports, state)
        site = site.changed(*secure)
    return site.changed({}, {}, dict(settings.yarn))


def daemon_sites(settings: ClusterSettings, ports: Ports, state: Path) -> dict[str, SiteFiles]:
    """Return what each daemon reads, by its name."""
    site = cluster_site(settings, ports, state).changed(_LOCAL_FILES, {}, {})
    webhdfs = webhdfs_properties(settings, ports, state)
    return {
        **{
            resourcemanager_name(i): site.changed({}, {}, _ha_id(settings, i))
            for i in range(settings.masters)
        },
        **{
            f"nodemanager{i + 1}": site.changed({}, {}, _nodemanager(ports, state, i))
            for i in range(settings.nodemanagers)
        },
        **{
            namenode_name(i): site.changed(webhdfs, namenode_site(settings, state, i), {})
            for i in range(settings.masters)
        },
        **{
            f"datanode{i + 1}": site.changed({}, datanode_site(ports, state, i), {})
            for i in range(settings.datanodes)
        },
    }


def resourcemanager_name(index: int) -> str:
    """Return the name of the daemon: the first one of a pair is called as a single one is."""
    return f"resourcemanager{index + 1}" if index else "resourcemanager"


def _ha_id(settings: ClusterSettings, index: int) -> Properties:
    return {"yarn.resourcemanager.ha.id": f"rm{index + 1}"} if settings.ha else {}


def _nodemanager(ports: Ports, state: Path, index: int) -> Properties:
    host = ports.nodemanager_host(index)
    folder = state / "yarn" / f"node{index + 1}"
    return {
        "yarn.nodemanager.hostname": host,
        "yarn.nodemanager.bind-host": host,
        "yarn.nodemanager.address": f"{host}:{ports.nodemanager}",
        "yarn.nodemanager.localizer.address": f"{host}:{ports.localizer}",
        "yarn.nodemanager.webapp.address": f"{host}:{ports.nodemanager_http}",
        "yarn.nodemanager.collector-service.address": f"{host}:{ports.collector}",
        "yarn.nodemanager.local-dirs": str(folder / "local"),
        "yarn.nodemanager.log-dirs": str(folder / "logs"),
    }


def _core(settings: ClusterSettings, ports: Ports, state: Path) -> Properties:
    people = [f"{user}={PEOPLE}" for user in settings.users]
    return {
        "fs.defaultFS": default_fs(settings, ports),
        "hadoop.tmp.dir": str(state / "tmp"),
        # As on most clusters, what people delete stays for a while: for a week.
        "fs.trash.interval": "10080",
        # The hub may act for people, from its own host, and for nobody else. Spread over hosts the
        # daemons start before it, and could not find its address by its name.
        f"hadoop.proxyuser.{HUB_USER}.hosts": "*" if ports.distributed else HOST,
        f"hadoop.proxyuser.{HUB_USER}.groups": PEOPLE,
        # These users need no account on the machine.
        "hadoop.user.group.static.mapping.overrides": ";".join(
            [*people, f"{HUB_USER}={HUB_USER}", "dr.who="]
        ),
    }


def _yarn(settings: ClusterSettings, ports: Ports, state: Path) -> Properties:
    return {
        **_resourcemanagers(settings, ports),
        **_recovery(state),
        "yarn.resourcemanager.scheduler.class": (
            "org.apache.hadoop.yarn.server.resourcemanager.scheduler.capacity.CapacityScheduler"
        ),
        "yarn.scheduler.minimum-allocation-mb": "128",
        "yarn.scheduler.maximum-allocation-mb": str(settings.memory_mb),
        "yarn.scheduler.maximum-allocation-vcores": str(settings.vcores),
        "yarn.nodemanager.resource.memory-mb": str(settings.memory_mb),
        "yarn.nodemanager.resource.cpu-vcores": str(settings.vcores),
        # A lost node is noticed within a test's patience; the default is 10 minutes.
        "yarn.nm.liveness-monitor.expiry-interval-ms": "30000",
        **(_SUDDEN_END if ports.distributed else {}),
        # Python reserves far more address space than it uses; clusters turn this check off.
        "yarn.nodemanager.vmem-check-enabled": "false",
        # Without cgroups the NodeManager itself has to end who uses too much.
        "yarn.nodemanager.resource.memory.enforced": "false",
        # By default a disk over 90 % full makes the only node unhealthy.
        "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": "99.5",
    }


def _resourcemanagers(settings: ClusterSettings, ports: Ports) -> Properties:
    """Say where they are; of a pair nobody but us chooses the active one."""
    prefix = "yarn.resourcemanager"
    properties: Properties = {}
    if settings.ha:
        properties = {
            f"{prefix}.ha.enabled": "true",
            f"{prefix}.ha.rm-ids": "rm1,rm2",
            f"{prefix}.ha.automatic-failover.enabled": "false",
            f"{prefix}.ha.automatic-failover.embedded": "false",
            f"{prefix}.cluster-id": "minihadoop",
        }
    host = ports.resourcemanager_host
    for index in range(settings.masters):
        suffix = f".rm{index + 1}" if settings.ha else ""
        at = ports.of_resourcemanager(index)
        properties |= {
            f"{prefix}.hostname{suffix}": host,
            f"{prefix}.address{suffix}": f"{host}:{at.client}",
            f"{prefix}.scheduler.address{suffix}": f"{host}:{at.scheduler}",
            f"{prefix}.resource-tracker.address{suffix}": f"{host}:{at.tracker}",
            f"{prefix}.admin.address{suffix}": f"{host}:{at.admin}",
            f"{prefix}.webapp.address{suffix}": f"{host}:{at.http}",
        }
    return properties


def _recovery(state: Path) -> Properties:
    return {
        "yarn.resourcemanager.recovery.enabled": "true",
        "yarn.resourcemanager.work-preserving-recovery.enabled": "true",
        # For so long a restarted ResourceManager gathers its nodes; with a handful of them one
        # second is enough, the default is 10.
        "yarn.resourcemanager.work-preserving-recovery.scheduling-wait-ms": "1000",
        "yarn.resourcemanager.store.class": (
            "org.apache.hadoop.yarn.server.resourcemanager.recovery.FileSystemRMStateStore"
        ),
        "yarn.resourcemanager.fs.state-store.uri": f"file://{state}/yarn/rm-state",
        # How soon nodes and Java clients look again for a ResourceManager that is away; with the
        # default of 30 s a test of its restart would wait for that.
        "yarn.resourcemanager.connect.retry-interval.ms": "1000",
    }


def _capacity_scheduler() -> Properties:
    prefix = "yarn.scheduler.capacity"
    properties = {
        f"{prefix}.root.queues": ",".join(QUEUES),
        # Each notebook server is its own application master, so nothing else takes memory.
        f"{prefix}.maximum-am-resource-percent": "1.0",
        # Cores count as well as memory.
        f"{prefix}.resource-calculator": (
            "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator"
        ),
    }
    for queue, capacity in QUEUES.items():
        properties |= {
            f"{prefix}.root.{queue}.capacity": str(capacity),
            f"{prefix}.root.{queue}.maximum-capacity": "100",
            # One user alone may fill the queue to its maximum.
            f"{prefix}.root.{queue}.user-limit-factor": "10",
        }
    return properties
