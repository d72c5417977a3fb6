"""Hadoop's configuration for a cluster, as values: nothing is written here.

Values differ from Hadoop's defaults only for several daemons on one small machine, or if real
clusters set them too. Settings that decide how fast a cluster is, above all heartbeats, keep their
defaults, so that measurements here are valid for other clusters.
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

#: Maven has no libhadoop, and without it each change of a mode would fork a chmod.
#: For daemons only: a client may run without our jar.
_LOCAL_FILES = {
    "fs.file.impl": "yarnhub.minihadoop.NioLocalFileSystem",
    "fs.AbstractFileSystem.file.impl": "yarnhub.minihadoop.NioLocalFs",
}

#: If all hosts end together, the next ResourceManager recovers applications without masters. Ours
#: send a heartbeat every 30 s; the default is 10 minutes.
_SUDDEN_END = {"yarn.am.liveness-monitor.expiry-interval-ms": "120000"}


@dataclass(frozen=True)
class SiteFiles:
    """The four files of a configuration directory."""

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
    """Return the configuration of clients, to which each daemon adds its own properties."""
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
    """Return the configuration of each daemon, by its name."""
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
    """Return the daemon's name. The first one of a pair has the name of a single one."""
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
    groups = [f"{user}={PEOPLE}" for user in settings.users]
    return {
        "fs.defaultFS": default_fs(settings, ports),
        "hadoop.tmp.dir": str(state / "tmp"),
        # Deleted files stay in the trash for a week, as on most clusters.
        "fs.trash.interval": "10080",
        # The hub may act for the users only, and only from its own host. In a distributed cluster
        # the daemons start before it, and could not resolve its name.
        f"hadoop.proxyuser.{HUB_USER}.hosts": "*" if ports.distributed else HOST,
        f"hadoop.proxyuser.{HUB_USER}.groups": PEOPLE,
        # These users need no account on the machine.
        "hadoop.user.group.static.mapping.overrides": ";".join(
            [*groups, f"{HUB_USER}={HUB_USER}", "dr.who="]
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
        # For tests of a lost node; the default is 10 minutes.
        "yarn.nm.liveness-monitor.expiry-interval-ms": "30000",
        **(_SUDDEN_END if ports.distributed else {}),
        # Python reserves far more address space than it uses, so clusters turn this check off.
        "yarn.nodemanager.vmem-check-enabled": "false",
        # Without cgroups the NodeManager must end containers that use too much memory.
        "yarn.nodemanager.resource.memory.enforced": "false",
        # By default a disk that is more than 90 % full makes the only node unhealthy.
        "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": "99.5",
    }


def _resourcemanagers(settings: ClusterSettings, ports: Ports) -> Properties:
    """Return the addresses. Failover of a pair is manual, by `failover`."""
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
        own = ports.of_resourcemanager(index)
        properties |= {
            f"{prefix}.hostname{suffix}": host,
            f"{prefix}.address{suffix}": f"{host}:{own.client}",
            f"{prefix}.scheduler.address{suffix}": f"{host}:{own.scheduler}",
            f"{prefix}.resource-tracker.address{suffix}": f"{host}:{own.tracker}",
            f"{prefix}.admin.address{suffix}": f"{host}:{own.admin}",
            f"{prefix}.webapp.address{suffix}": f"{host}:{own.http}",
        }
    return properties


def _recovery(state: Path) -> Properties:
    return {
        "yarn.resourcemanager.recovery.enabled": "true",
        "yarn.resourcemanager.work-preserving-recovery.enabled": "true",
        # The time for nodes to register after a restart. One second is enough for a few nodes; the
        # default is 10.
        "yarn.resourcemanager.work-preserving-recovery.scheduling-wait-ms": "1000",
        "yarn.resourcemanager.store.class": (
            "org.apache.hadoop.yarn.server.resourcemanager.recovery.FileSystemRMStateStore"
        ),
        "yarn.resourcemanager.fs.state-store.uri": f"file://{state}/yarn/rm-state",
        # The interval at which nodes and Java clients reconnect to a ResourceManager. With the
        # default of 30 s each test of its restart would take that long.
        "yarn.resourcemanager.connect.retry-interval.ms": "1000",
    }


def _capacity_scheduler() -> Properties:
    prefix = "yarn.scheduler.capacity"
    properties = {
        f"{prefix}.root.queues": ",".join(QUEUES),
        # A notebook server is its own application master, so masters may use all memory.
        f"{prefix}.maximum-am-resource-percent": "1.0",
        # Schedule by cores as well as by memory.
        f"{prefix}.resource-calculator": (
            "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator"
        ),
    }
    for queue, capacity in QUEUES.items():
        properties |= {
            f"{prefix}.root.{queue}.capacity": str(capacity),
            f"{prefix}.root.{queue}.maximum-capacity": "100",
            # A single user may fill the queue to its maximum.
            f"{prefix}.root.{queue}.user-limit-factor": "10",
        }
    return properties
