"""Hadoop's own routers of HDFS, in front of the NameNode of an embedded Hadoop.

The federation has two name services. Both are the one NameNode, which no client can notice: routers
know a name service by its name, and refuse to rename between two.

With Kerberos it has one router, because that keeps its tokens in memory. Real federations have them
in ZooKeeper or in a database. It logs in as the NameNode.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.sax.saxutils import escape

from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.artifacts import cache_dir
from yarnhub.minihadoop.class_archive import java_options
from yarnhub.minihadoop.commands import daemon_env
from yarnhub.minihadoop.daemon import Daemon
from yarnhub.minihadoop.java import SMALL_JVM
from yarnhub.minihadoop.ports import HOST, held_ports
from yarnhub.minihadoop.rest import get_json, jmx
from yarnhub.minihadoop.settings import superuser

#: The name of the federation, which stands in URLs instead of a host.
FEDERATION = "router-fed"
ROUTERS = ("r1", "r2")
NAMESERVICES = ("ns0", "ns1")

_PACKAGE = "org.apache.hadoop.hdfs.server.federation"
#: The routers, and what they need to rename between name services.
_JARS = ("hadoop-hdfs-rbf", "hadoop-federation-balance", "hadoop-distcp")
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>yarnhub</groupId><artifactId>router</artifactId><version>1</version>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = (
    "<dependency><groupId>org.apache.hadoop</groupId><artifactId>{name}</artifactId>"
    "<version>{version}</version>{more}</dependency>"
)
#: What Hadoop's own tests of routers use, such as tokens in memory.
_TESTS = "<classifier>tests</classifier>"


@dataclass(frozen=True)
class RouterPorts:
    rpc: int
    admin: int
    http: int


class Federation:
    """Routers. `daemons` has them by their names; `client` is the clients' configuration."""

    def __init__(self, hadoop: MiniHadoop, folder: Path, ports: dict[str, RouterPorts]) -> None:
        self._hadoop = hadoop
        self._is_secure = hadoop.state.settings.security is not None
        self._ports = ports
        self._libraries = router_libraries(hadoop.state.distribution.version)
        self._folder = folder
        self._write_sites()
        self.client = folder / "client"
        self.daemons = {name: self._daemon(name) for name in ports}

    def start(self) -> None:
        for daemon in self.daemons.values():
            daemon.start()
        for daemon in self.daemons.values():
            daemon.wait_ready(120)

    def stop(self) -> None:
        for daemon in self.daemons.values():
            daemon.stop()

    @contextmanager
    def introduced(self) -> Iterator[None]:
        """Let YARN know the federation inside the context: nodes fetch environments there, and the
        ResourceManager renews its tokens."""
        daemons = [*self._hadoop.nodemanagers]
        if self._is_secure:
            daemons.append(self._hadoop.resourcemanager)
        sites = [self._hadoop.conf_dir / daemon.name / "hdfs-site.xml" for daemon in daemons]
        before = [site.read_text() for site in sites]
        client = (self.client / "hdfs-site.xml").read_text()
        try:
            self._configure(daemons, dict.fromkeys(sites, client))
            yield
        finally:
            self._configure(daemons, dict(zip(sites, before, strict=True)))

    def _configure(self, daemons: Sequence[Daemon], texts: Mapping[Path, str]) -> None:
        """Write these site files, and start the daemons that read them again."""
        for site, text in texts.items():
            site.write_text(text)
        for daemon in daemons:
            daemon.stop()
            daemon.start()
        self._hadoop.wait_ready()

    def env(self) -> dict[str, str]:
        """Return the environment of a client of the federation."""
        classpath = self._hadoop.state.distribution.globbed_classpath(self.client)
        variables = {"HADOOP_CONF_DIR": str(self.client), "CLASSPATH": classpath}
        return {**self._hadoop.env(), **variables}

    def admin(self, name: str, *arguments: str) -> str:
        """Run `hdfs dfsrouteradmin` for a router."""
        command = [*self._java(name), "org.apache.hadoop.hdfs.tools.federation.RouterAdmin"]
        done = subprocess.run(
            [*command, *arguments],
            env={**os.environ, **self._hadoop.env(), "HADOOP_USER_NAME": superuser()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def mount(self, path: str, nameservice: str, target: str, order: str = "HASH") -> None:
        """Mount a directory of a name service, or add it to a mount."""
        self.admin(ROUTERS[0], "-add", path, nameservice, target, "-order", order)

    def _daemon(self, name: str) -> Daemon:
        return Daemon(
            name,
            [*self._java(name), f"{_PACKAGE}.router.DFSRouter"],
            daemon_env(self._hadoop.state),
            self._hadoop.state.folder,
            partial(self._is_ready, name),
        )

    def _java(self, name: str) -> list[str]:
        distribution = self._hadoop.state.distribution
        classpath = [distribution.classpath(self._folder / name), *self._libraries]
        return [
            distribution.java,
            "-Xmx192m",
            *SMALL_JVM,
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "-Djava.net.preferIPv4Stack=true",
            "-Dhadoop.root.logger=INFO,console",
            *([self._hadoop.state.variables()["HADOOP_OPTS"]] if self._is_secure else ()),
            *java_options(distribution, self._folder / f"{name}.classes"),
            *("-cp", ":".join(map(str, classpath))),
        ]

    def _is_ready(self, name: str) -> bool:
        url = f"http://{HOST}:{self._ports[name].http}"
        if jmx(url, "Router,name=Router").get("RouterStatus") != "RUNNING":
            return False
        status = f"{url}/webhdfs/v1/?op=GETFILESTATUS&user.name=alice"
        return "FileStatus" in get_json(status)

    def _write_sites(self) -> None:
        clients = client_properties(self._ports)
        _write(self._folder / "client", self._hadoop.conf_dir, clients)
        for name, ports in self._ports.items():
            own = router_properties(self._hadoop, self._folder, ports)
            own |= secure_properties(self._hadoop) if self._is_secure else {}
            _write(self._folder / name, self._hadoop.conf_dir, own)


def client_properties(ports: Mapping[str, RouterPorts]) -> dict[str, str]:
    """Return what a client has in its configuration of the federation."""
    addresses = {
        f"dfs.namenode.rpc-address.{FEDERATION}.{name}": f"{HOST}:{own.rpc}"
        for name, own in ports.items()
    }
    return {
        "fs.defaultFS": f"hdfs://{FEDERATION}",
        "dfs.nameservices": FEDERATION,
        f"dfs.ha.namenodes.{FEDERATION}": ",".join(ports),
        f"dfs.client.failover.proxy.provider.{FEDERATION}": (
            "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider"
        ),
        **addresses,
    }


def router_properties(hadoop: MiniHadoop, folder: Path, ports: RouterPorts) -> dict[str, str]:
    namenode = hadoop.default_fs.removeprefix("hdfs://")
    page = hadoop.namenode_url.removeprefix("http://")
    router = "dfs.federation.router"
    properties = {
        "dfs.nameservices": ",".join(NAMESERVICES),
        f"{router}.rpc-address": f"{HOST}:{ports.rpc}",
        f"{router}.admin-address": f"{HOST}:{ports.admin}",
        f"{router}.http-address": f"{HOST}:{ports.http}",
        f"{router}.default.nameserviceId": NAMESERVICES[0],
        f"{router}.monitor.namenode": ",".join(NAMESERVICES),
        f"{router}.monitor.localnamenode.enable": "false",
        # A mount may have several targets.
        f"{router}.file.resolver.client.class": (
            f"{_PACKAGE}.resolver.MultipleDestinationMountTableResolver"
        ),
        f"{router}.store.driver.class": f"{_PACKAGE}.store.driver.impl.StateStoreFileImpl",
        f"{router}.store.driver.file.directory": str(folder / "store"),
        # Each router reads the state store again every second, and at each change of the mounts.
        f"{router}.cache.ttl": "1s",
        f"{router}.mount-table.cache.update": "true",
        # A router is in safe mode until it has read the state store; by default at least 30 s.
        f"{router}.safemode.extension": "1s",
        f"{router}.safemode.checkperiod": "500ms",
        f"{router}.heartbeat.interval": "1000",
        f"{router}.heartbeat-state.interval": "1s",
    }
    for name in NAMESERVICES:
        properties |= {
            f"dfs.namenode.rpc-address.{name}": namenode,
            f"dfs.namenode.http-address.{name}": page,
        }
    return properties


def secure_properties(hadoop: MiniHadoop) -> dict[str, str]:
    """Return what a router has besides with Kerberos."""
    principal, keytab = hadoop.login("nn")
    return {
        "dfs.federation.router.kerberos.principal": principal,
        "dfs.federation.router.keytab.file": str(keytab),
        "dfs.federation.router.secret.manager.class": (
            "org.apache.hadoop.hdfs.server.federation.security.MockDelegationTokenSecretManager"
        ),
    }


@contextmanager
def router_ports() -> Iterator[dict[str, RouterPorts]]:
    """Reserve ports for the routers, which are to be bound inside the context."""
    with held_ports(3 * len(ROUTERS)) as ports:
        yield {name: RouterPorts(*ports[3 * i : 3 * i + 3]) for i, name in enumerate(ROUTERS)}


def router_libraries(version: str) -> list[Path]:
    """Return the routers' jars and the folder of their pages, fetched by Maven once."""
    home = cache_dir() / f"routers-{version}"
    if not home.exists():
        with (cache_dir() / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not home.exists():
                _fetch(version, home)
    return [*sorted(home.glob("*.jar")), home]


def _fetch(version: str, home: Path) -> None:
    with ExitStack() as undo:
        work = Path(tempfile.mkdtemp(dir=home.parent))
        undo.callback(shutil.rmtree, work, ignore_errors=True)
        jars = [*((name, "") for name in _JARS), (_JARS[0], _TESTS)]
        dependencies = [
            _DEPENDENCY.format(name=name, version=version, more=more) for name, more in jars
        ]
        (work / "pom.xml").write_text(_POM.format(dependencies="".join(dependencies)))
        # fmt: off
        command = [
            "mvn", "--batch-mode", "--strict-checksums", "--quiet", "dependency:copy-dependencies",
            "-DexcludeTransitive=true", f"-DoutputDirectory={work / 'home'}",
        ]
        # fmt: on
        subprocess.run(command, cwd=work, check=True)
        pages = work / "home" / "webapps" / "router" / "WEB-INF"
        pages.mkdir(parents=True)
        (pages / "web.xml").write_text("<web-app/>\n")
        (work / "home").rename(home)


def _write(folder: Path, original: Path, properties: Mapping[str, str]) -> None:
    """Write a copy of a cluster's configuration with more properties, which hold."""
    shutil.copytree(original, folder, ignore=lambda _, names: [n for n in names if "." not in n])
    rows = (
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>\n"
        for name, value in properties.items()
    )
    site = folder / "hdfs-site.xml"
    site.write_text(
        site.read_text().replace("</configuration>", f"{''.join(rows)}</configuration>")
    )
