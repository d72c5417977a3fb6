"""A cluster's state directory, which has all of its files.

cluster.json   settings, ports and distribution
conf/          configuration of clients; in it, a directory for each daemon
bin/           the parts of `yarn` and `hdfs` that clients need
logs/          a file for each daemon
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
from yarnhub.minihadoop.java import SMALL_JVM
from yarnhub.minihadoop.ports import Ports
from yarnhub.minihadoop.processes import daemons
from yarnhub.minihadoop.secure_site import login_variables
from yarnhub.minihadoop.settings import ClusterSettings, Security

_DATA = ("bin", "conf", "dfs", "krb5", "tmp", "yarn")
_LOG4J = """\
# For clients. The command lines of the daemons set it to INFO.
hadoop.root.logger=WARN,console
log4j.rootLogger=${hadoop.root.logger}
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %p %c{2}: %m%n
# Our own polls of its readiness.
log4j.logger.http.requests=WARN
# Warns at each start that libhadoop is missing: Maven does not have it.
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
"""
_YARN = """\
#!/bin/sh
# The part of Hadoop's own `yarn` that Java clients need.
case $1 in
  classpath) echo '{classpath}'; exit ;;
  application | applicationattempt | container) class=ApplicationCLI ;;
  node) class=NodeCLI ;;
  queue) class=QueueCLI ;;
  logs) class=LogsCLI ;;
  rmadmin) class=RMAdminCLI ;;
  *) exec {java} $HADOOP_OPTS -cp '{short}' "$@" ;;
esac
[ "$class" = ApplicationCLI ] || shift
exec {java} $HADOOP_OPTS -cp '{short}' "org.apache.hadoop.yarn.client.cli.$class" "$@"
"""
_HDFS = """\
#!/bin/sh
# The part of Hadoop's own `hdfs` for files and administration.
case $1 in
  dfs) shift; exec {java} $HADOOP_OPTS -cp '{short}' org.apache.hadoop.fs.FsShell "$@" ;;
  dfsadmin)
    shift
    exec {java} $HADOOP_OPTS -cp '{short}' org.apache.hadoop.hdfs.tools.DFSAdmin "$@"
    ;;
  *) exec {java} $HADOOP_OPTS -cp '{short}' "$@" ;;
esac
"""


@dataclass(frozen=True)
class ClusterState:
    """A cluster as described in its state directory, running or not."""

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
        """The URL of the NameNode's pages, of the first one with HA."""
        return self.ports.namenode_url()

    @property
    def resourcemanager_url(self) -> str:
        return self.ports.resourcemanager_url()

    def daemon_names(self) -> list[str]:
        return list(daemon_sites(self.settings, self.ports, self.folder))

    def variables(self) -> dict[str, str]:
        """Return the variables that make any Hadoop client use this cluster, except PATH."""
        return {
            "HADOOP_CONF_DIR": str(self.conf_dir),
            "YARN_CONF_DIR": str(self.conf_dir),
            "HADOOP_HOME": str(self.folder),
            "JAVA_HOME": str(self.distribution.java_home),
            "CLASSPATH": self.distribution.globbed_classpath(self.conf_dir),
            **(kerberos.variables(self.folder) if self.settings.security else {}),
        }

    def env(self) -> dict[str, str]:
        """Return the variables and this process's PATH, with our `yarn` and `hdfs` first in it."""
        path = os.pathsep.join([str(self.folder / "bin"), os.environ.get("PATH", os.defpath)])
        return {**self.variables(), "PATH": path}

    def namenode_pair(self) -> HaPair:
        return HaPair(self.ports.namenode_addresses, NAMENODE, self.superuser())

    def resourcemanager_pair(self) -> HaPair:
        return HaPair(self.ports.resourcemanager_admins, RESOURCEMANAGER, self.superuser())

    def superuser(self) -> dict[str, str] | None:
        """Return the variables that make a process the superuser, or None without Kerberos."""
        if not self.settings.security:
            return None
        return {**self.variables(), **login_variables(self.folder, "nn")}

    def write(self) -> None:
        """Create the directories and write all files; delete YARN's files of an earlier run."""
        shutil.rmtree(self.folder / "yarn", ignore_errors=True)
        self.write_files()
        (self.folder / "cluster.json").write_text(json.dumps(self._as_json(), indent=1))

    def write_files(self) -> None:
        """Create the directories, and write the files that daemons and clients read."""
        for name in (*_DATA, "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        # Java applications get Hadoop's classes from their client's configuration.
        classes = ",".join(self.distribution.classpath("$HADOOP_CONF_DIR").split(":"))
        site = cluster_site(self.settings, self.ports, self.folder)
        _write_site(site.changed({}, {}, {"yarn.application.classpath": classes}), self.conf_dir)
        for name, site in daemon_sites(self.settings, self.ports, self.folder).items():
            _write_site(site, self.conf_dir / name)
        if self.settings.security:
            kerberos.write_files(self.folder, self.ports)
        self._write_commands()

    def _write_commands(self) -> None:
        java, conf = f"'{self.distribution.java}' {' '.join(SMALL_JVM)}", self.conf_dir
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
    """Read a cluster's description from its directory. Raises NotRunningError if there is none."""
    try:
        description = json.loads((folder / "cluster.json").read_text())
        values = description["settings"]
        security = Security(**values["security"]) if values["security"] else None
        return ClusterState(
            folder,
            ClusterSettings(**{**values, "users": tuple(values["users"]), "security": security}),
            Ports(description["base_port"]),
            Distribution(
                description["version"],
                Path(description["home"]),
                Path(description["java_home"]),
            ),
        )
    except FileNotFoundError:
        raise NotRunningError(
            f"There is no embedded Hadoop in {folder}. `yarnhub minihadoop up` starts one."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise NotRunningError(
            f"{folder}/cluster.json cannot be read. Delete the directory."
        ) from error


def usable_folder(folder: Path) -> Path:
    """Create the directory if necessary, and close it to other accounts.

    The files below it then need no special modes; Hadoop creates most of them, with the umask.
    The ResourceManager's state store has the API tokens of all servers. Raises ConflictError if the
    directory cannot be a state directory.
    """
    folder = folder.absolute()
    if not re.fullmatch(r"[\w./@+=~-]+", str(folder), re.ASCII):
        raise ConflictError(
            f"Hadoop cannot use the path {str(folder)!r}. Choose a state directory with only "
            "letters, digits and ._-/ in its path."
        )
    ours = {*_DATA, "logs", "cluster.json", "lock"}
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_own = folder.stat().st_uid == os.geteuid()
        foreign = sorted(entry.name for entry in folder.iterdir() if entry.name not in ours)
    except OSError as error:
        raise ConflictError(
            f"The state directory {folder} cannot be used: {error.strerror}."
        ) from error
    if foreign:
        raise ConflictError(
            f"{folder} contains {foreign[0]!r}, which is not part of a cluster. Choose an empty "
            "state directory."
        )
    # The owner of a directory can replace every file in it.
    if not is_own:
        raise ConflictError(
            f"The state directory {folder} belongs to another account. Choose a state directory of "
            "your own."
        )
    folder.chmod(0o700)  # An earlier version created it with mode 0755.
    return folder.resolve()


def require_unused(folder: Path) -> None:
    """Raise ConflictError if a cluster runs in this directory."""
    if daemons(folder):
        raise ConflictError(
            f"A Hadoop is already running in {folder}. End it with `yarnhub minihadoop down "
            f"--state-dir {folder}`, or choose another state directory."
        )


def remove_data(folder: Path) -> None:
    """Remove all files of a cluster from its directory, except its logs."""
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
