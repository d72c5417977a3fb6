"""A cluster's state folder: everything that it is and writes is in there.

cluster.json   what it is: settings, ports, distribution
conf/          configuration of clients; below it, that of each daemon
bin/           `yarn` and `hdfs`, just enough of them for clients
logs/          one file per daemon
dfs/ krb5/ yarn/ tmp/
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from hadoop_client.security.kerberos import NAMENODE, RESOURCEMANAGER
from yarnhub.minihadoop import kerberos
from yarnhub.minihadoop.artifacts import Distribution
from yarnhub.minihadoop.configuration import SiteFiles, cluster_site, daemon_sites
from yarnhub.minihadoop.errors import ConflictError, NotRunningError
from yarnhub.minihadoop.failover import HaPair
from yarnhub.minihadoop.hdfs_site import Properties, default_fs
from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.processes import daemons
from yarnhub.minihadoop.secure_site import login_variables
from yarnhub.minihadoop.settings import ClusterSettings, Security

_DATA = ("bin", "conf", "dfs", "krb5", "tmp", "yarn")
_LOG4J = """\
# What clients say; each daemon has it set to INFO on its command line.
hadoop.root.logger=WARN,console
log4j.rootLogger=${hadoop.root.logger}
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
# Our own questions whether it is ready.
log4j.logger.http.requests=WARN
# Said at each start, and true: Maven has no libhadoop.
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
"""
_YARN = """\
#!/bin/sh
# Enough of Hadoop's own `yarn` for clients in Java.
case $1 in
  classpath) echo '{classpath}'; exit ;;
  application | applicationattempt | container) class=ApplicationCLI ;;
  node) class=NodeCLI ;;
  queue) class=QueueCLI ;;
  logs) class=LogsCLI ;;
  rmadmin) class=RMAdminCLI ;;
  *) exec '{java}' $HADOOP_OPTS -cp '{short}' "$@" ;;
esac
[ "$class" = ApplicationCLI ] || shift
exec '{java}' $HADOOP_OPTS -cp '{short}' "org.apache.hadoop.yarn.client.cli.$class" "$@"
"""
_HDFS = """\
#!/bin/sh
# Enough of Hadoop's own `hdfs` to look around.
case $1 in
  dfs) shift; exec '{java}' $HADOOP_OPTS -cp '{short}' org.apache.hadoop.fs.FsShell "$@" ;;
  dfsadmin)
    shift
    exec '{java}' $HADOOP_OPTS -cp '{short}' org.apache.hadoop.hdfs.tools.DFSAdmin "$@"
    ;;
  *) exec '{java}' $HADOOP_OPTS -cp '{short}' "$@" ;;
esac
"""


@dataclass(frozen=True)
class ClusterState:
    """One cluster as it is written down in its folder, running or not."""

    folder: Path
    settings: ClusterSettings
    ports: Ports
    distribution: Distribution

    @property
    def conf_dir(self) -> Path:
        return self.folder / "conf"

    @property
    def default_fs(self) -> str:
        return default_fs(self.settings, self.ports)

    @property
    def namenode_url(self) -> str:
        """Where the NameNode shows its pages; of a pair, the first one."""
        return self.ports.namenode_url()

    @property
    def resourcemanager_url(self) -> str:
        return self.ports.resourcemanager_url()

    def daemon_names(self) -> list[str]:
        return list(daemon_sites(self.settings, self.ports, self.folder))

    def variables(self) -> dict[str, str]:
        """Return what makes any Hadoop client use this cluster, but for the PATH."""
        return {
            "HADOOP_CONF_DIR": str(self.conf_dir),
            "YARN_CONF_DIR": str(self.conf_dir),
            "HADOOP_HOME": str(self.folder),
            "JAVA_HOME": str(self.distribution.java_home),
            "CLASSPATH": self.distribution.globbed_classpath(self.conf_dir),
            **(kerberos.variables(self.folder) if self.settings.security else {}),
        }

    def env(self) -> dict[str, str]:
        """Return the variables with the PATH of this process, our `yarn` and `hdfs` first in it."""
        path = os.pathsep.join([str(self.folder / "bin"), os.environ.get("PATH", os.defpath)])
        return {**self.variables(), "PATH": path}

    def namenode_pair(self) -> HaPair:
        return HaPair(self.ports.namenode_addresses, NAMENODE, self._superuser())

    def resourcemanager_pair(self) -> HaPair:
        return HaPair(self.ports.resourcemanager_admins, RESOURCEMANAGER, self._superuser())

    def _superuser(self) -> dict[str, str] | None:
        """Return what makes a process the superuser, None where everybody is whoever they say."""
        if not self.settings.security:
            return None
        return {**self.variables(), **login_variables(self.folder, "nn")}

    def write(self) -> None:
        """Make the folders and write all files; what an earlier run left of YARN goes."""
        shutil.rmtree(self.folder / "yarn", ignore_errors=True)
        self.write_files()
        (self.folder / "cluster.json").write_text(json.dumps(self._as_json(), indent=1))

    def write_files(self) -> None:
        """Make the folders, and write what daemons and clients read."""
        for name in (*_DATA, "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        # Applications in Java find Hadoop's classes by what their clients were configured with.
        classes = ",".join(self.distribution.classpath("$HADOOP_CONF_DIR").split(":"))
        site = cluster_site(self.settings, self.ports, self.folder)
        _write_site(site.changed({}, {}, {"yarn.application.classpath": classes}), self.conf_dir)
        for name, site in daemon_sites(self.settings, self.ports, self.folder).items():
            _write_site(site, self.conf_dir / name)
        if self.settings.security:
            kerberos.write_files(self.folder, self.ports)
        self._write_commands()

    def _write_commands(self) -> None:
        java, conf = self.distribution.java, self.conf_dir
        short = self.distribution.classpath(conf)
        full = self.distribution.globbed_classpath(conf)
        for name, text in {"yarn": _YARN, "hdfs": _HDFS}.items():
            command = self.folder / "bin" / name
            command.write_text(text.format(java=java, short=short, classpath=full))
            command.chmod(0o755)

    def _as_json(self) -> dict[str, object]:
        return {
            "settings": asdict(self.settings),
            "base_port": self.ports.base,
            "version": self.distribution.version,
            "home": str(self.distribution.home),
            "java_home": str(self.distribution.java_home),
        }


def load(folder: Path) -> ClusterState:
    """Read what is written down in this folder. Raises NotRunningError if that is nothing."""
    try:
        known = json.loads((folder / "cluster.json").read_text())
        found = known["settings"]
        security = Security(**found["security"]) if found["security"] else None
        settings = ClusterSettings(
            **{**found, "users": tuple(found["users"]), "security": security}
        )
        return ClusterState(
            folder,
            settings,
            Ports(known["base_port"]),
            Distribution(known["version"], Path(known["home"]), Path(known["java_home"])),
        )
    except FileNotFoundError:
        raise NotRunningError(f"There is no embedded Hadoop in {folder}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise NotRunningError(f"{folder}/cluster.json can't be read; remove the folder.") from error


def usable_folder(folder: Path) -> Path:
    """Return the folder, made if need be. Raises ConflictError if it can't be a state folder."""
    folder = folder.absolute()
    if not re.fullmatch(r"[\w./@+=~-]+", str(folder), re.ASCII):
        raise ConflictError(
            f"Hadoop can't work in {str(folder)!r}: choose a state folder of plain letters,"
            " digits and ._-/ in its path."
        )
    ours = {*_DATA, "logs", "cluster.json", "lock"}
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        strangers = sorted(entry.name for entry in folder.iterdir() if entry.name not in ours)
    except OSError as error:
        raise ConflictError(
            f"The state folder {folder} can't be used: {error.strerror}."
        ) from error
    if strangers:
        raise ConflictError(
            f"{folder} holds {strangers[0]!r}, which isn't ours: choose an empty state folder."
        )
    return folder.resolve()


def require_unused(folder: Path) -> None:
    """Raise ConflictError if a cluster runs in this folder."""
    if daemons(folder):
        raise ConflictError(
            f"A Hadoop is already running in {folder}: end it with `yarnhub minihadoop down"
            f" --state-dir {folder}`, or"
            " choose another state folder."
        )


def remove_data(folder: Path) -> None:
    """Remove all that a cluster made in its folder, but for its logs."""
    for name in _DATA:
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "cluster.json").unlink(missing_ok=True)


def _write_site(site: SiteFiles, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, properties in site.files().items():
        (folder / name).write_text(_xml(properties))
    (folder / "log4j.properties").write_text(_LOG4J)


def _xml(properties: Properties) -> str:
    rows = (
        f"  <property><name>{escape(name)}</name><value>{escape(value)}</value></property>\n"
        for name, value in properties.items()
    )
    return f'<?xml version="1.0"?>\n<configuration>\n{"".join(rows)}</configuration>\n'
