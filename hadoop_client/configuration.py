"""A cluster's configuration, as Hadoop understands its site files.

- Files: core-site.xml, hdfs-site.xml and yarn-site.xml, in this order. A later value replaces an
  earlier one, unless that is `<final>`. `hadoop_client.site_files` reads one file.
- Variables: `${other.key}`, `${env.NAME}`, `${env.NAME:-default}`, `${env.NAME-default}` and
  `${user.name}`, 20 substitutions at most. An unknown variable stays as it is written.
- Errors: a wrong file or value raises `ConfigurationError`.

Source: org.apache.hadoop.conf.Configuration; core-default.xml, hdfs-default.xml, yarn-default.xml.
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Sequence
from pathlib import Path

from hadoop_client.mounts import MountTable, Place
from hadoop_client.site_files import ConfigurationError, existing_files, read_file

__all__ = ["Configuration", "ConfigurationError", "site_directory"]

#: The environment variable with the URL of the HDFS to use instead of `fs.defaultFS`.
HDFS_VARIABLE = "YARNHUB_HDFS"

#: Host and port.
Address = tuple[str, int]

#: `dfs.user.home.dir.prefix` of Hadoop itself.
DEFAULT_HOME_PREFIX = "/user"

#: Hadoop measures lifetimes and modification times in milliseconds.
DAY_MS = 24 * 3600 * 1000

SITE_FILES = ("core-site.xml", "hdfs-site.xml", "yarn-site.xml")

#: The directory in which distributions install the clients' configuration.
DEFAULT_DIRECTORY = "/etc/hadoop/conf"

#: A variable in a value: the name of a property, or `env.NAME`.
VARIABLE = re.compile(r"\$\{([^}$ ]+)\}")

MAX_SUBSTITUTIONS = 20

#: Hadoop's defaults that this package needs or that site files refer to.
DEFAULTS = {
    "fs.defaultFS": "file:///",
    "hadoop.security.authentication": "simple",
    "hadoop.tmp.dir": "/tmp/hadoop-${user.name}",
    "yarn.resourcemanager.hostname": "0.0.0.0",
}

CLIENT_PORT, SCHEDULER_PORT, NAMENODE_PORT = 8032, 8030, 8020


class Configuration:
    """A cluster's configuration."""

    def __init__(self, properties: dict[str, str], source: str = "the configuration") -> None:
        """Use `properties` over Hadoop's defaults. Messages name `source`."""
        self._site_properties = properties
        self._properties = DEFAULTS | properties
        self._source = source

    @classmethod
    def load(
        cls, conf_dir: str | Path | None = None, *, files: Sequence[str] = SITE_FILES
    ) -> Configuration:
        """Read the site files in `conf_dir`, by default in `site_directory()`."""
        directory = Path(conf_dir or site_directory())
        found = existing_files(directory, files)
        if not found:
            names = " or ".join(filter(None, (", ".join(files[:-1]), files[-1])))
            raise ConfigurationError(
                f"{directory} has no {names}: set HADOOP_CONF_DIR to the directory with the "
                "cluster's configuration."
            )
        properties: dict[str, str] = {}
        final: set[str] = set()
        for file in found:
            for name, value, is_final, _ in read_file(file):
                if value is not None and name not in final:
                    properties[name] = value
                if is_final:
                    final.add(name)
        return cls(properties, str(directory))

    @classmethod
    def find(cls) -> Configuration | None:
        """Read the site files in `site_directory()`; return None if it has none."""
        directory = site_directory()
        return cls.load(directory) if existing_files(directory, SITE_FILES) else None

    def properties(self) -> dict[str, str]:
        """Return the properties of the site files, with variables resolved."""
        return {key: self._substitute(key, value) for key, value in self._site_properties.items()}

    def home_directory(self, user: str) -> str:
        """Return a user's home directory in HDFS."""
        prefix = self.get("dfs.user.home.dir.prefix") or DEFAULT_HOME_PREFIX
        return f"{prefix.rstrip('/')}/{user}"

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return a value with variables resolved."""
        value = self._properties.get(key)
        return default if value is None else self._substitute(key, value)

    def get_int(self, key: str, default: int) -> int:
        """Return an integer; raises ConfigurationError if the value is not one."""
        value = (self.get(key) or "").strip()
        try:
            return int(value, 16 if value.lower().startswith("0x") else 10) if value else default
        except ValueError:
            raise self._wrong(key, value, "a whole number") from None

    def get_bool(self, key: str, default: bool = False) -> bool:
        """Return a boolean. A value that is neither true nor false counts as `default`."""
        return {"true": True, "false": False}.get((self.get(key) or "").strip().lower(), default)

    def get_list(self, key: str) -> list[str]:
        """Return the values of a comma-separated list."""
        return [part for part in re.split(r"\s*[,\n]\s*", (self.get(key) or "").strip()) if part]

    @property
    def kerberos(self) -> bool:
        """Whether the cluster has security."""
        return (self.get("hadoop.security.authentication") or "").strip().lower() == "kerberos"

    @property
    def rpc_protections(self) -> tuple[str, ...]:
        """The protections of RPC connections in the order of preference: "authentication",
        "integrity", "privacy". Empty if `hadoop.rpc.protection` is not set."""
        return tuple(name.lower() for name in self.get_list("hadoop.rpc.protection"))

    @property
    def default_filesystem(self) -> str:
        """The file system of paths without a scheme, such as hdfs://namenode:8020."""
        return re.sub(r"(?<=[^:/])/+$", "", (self.get("fs.defaultFS") or "").strip())

    @property
    def hdfs(self) -> str:
        """The HDFS, or viewfs, for homes, files and environments.

        It is that of `HDFS_VARIABLE`, or else the default file system. Raises ConfigurationError if
        that is another kind of file system.
        """
        named = os.environ.get(HDFS_VARIABLE, "").strip().rstrip("/")
        url = named or self.default_filesystem
        if re.match(r"(hdfs|viewfs)://[^/]", url):
            return url
        what = f"{HDFS_VARIABLE} is {url!r}"
        if not named:
            what = f"fs.defaultFS is {url!r} in {self._source}"
        raise ConfigurationError(
            f"{what}, which is not an HDFS. Set c.YarnSpawner.hdfs, and {HDFS_VARIABLE} for "
            "commands, to the HDFS for homes, notebooks and environments, such as "
            "hdfs://nameservice."
        )

    def mounts_of(self, url: str | None = None) -> MountTable:
        """Return the mount table of a viewfs, by default of `hdfs`; an empty one for others."""
        if url is None:
            try:
                url = self.hdfs
            except ConfigurationError:
                return MountTable({}, None)
        scheme, _, rest = url.strip().partition("://")
        properties = self.properties() if scheme == "viewfs" else {}
        return MountTable.of(properties, rest.split("/")[0])

    def place(self, path: str) -> Place:
        """Return the name service and the path there of a path of `hdfs`."""
        scheme, _, rest = self.hdfs.partition("://")
        if scheme != "viewfs":
            return Place(rest.split("/")[0], path)
        place = self.mounts_of().place(path)
        if place is None:
            raise ConfigurationError(
                f"No mount of {self.hdfs} in {self._source} has {path}: add a link, or a "
                "linkFallback, to its mount table."
            )
        return place

    def nameservices(self, url: str | None = None) -> list[str]:
        """Return the name services of an HDFS or viewfs, by default of `hdfs`."""
        scheme, _, rest = (url or self.hdfs).strip().partition("://")
        name = rest.split("/")[0]
        if scheme == "viewfs":
            return self.mounts_of(url).nameservices
        return [name] if scheme == "hdfs" and name else []

    def resourcemanager_addresses(self) -> list[Address]:
        """Return the ResourceManagers' addresses for clients; several with high availability."""
        return self._resourcemanagers("yarn.resourcemanager.address", CLIENT_PORT)

    def scheduler_addresses(self) -> list[Address]:
        """Return the ResourceManagers' addresses for application masters."""
        return self._resourcemanagers("yarn.resourcemanager.scheduler.address", SCHEDULER_PORT)

    def namenode_addresses(self, nameservice: str | None = None) -> list[Address]:
        """Return the NameNodes' addresses of a name service, by default of the root of `hdfs`."""
        if nameservice is None:
            nameservice = self.place("/").nameservice
        suffixes = self.namenode_suffixes(nameservice)
        if suffixes == [""]:
            return [self._parse("fs.defaultFS", nameservice, NAMENODE_PORT)]
        keys = (f"dfs.namenode.rpc-address{suffix}" for suffix in suffixes)
        return [self._address(key, None, NAMENODE_PORT) for key in keys]

    def namenode_suffixes(self, nameservice: str) -> list[str]:
        """Return what ends the names of properties of each NameNode, as `.nameservice.nn1`.

        A name service with one NameNode has `.nameservice`; a host that is no name service has "".
        """
        ids = self.get_list(f"dfs.ha.namenodes.{nameservice}")
        if ids:
            return [f".{nameservice}.{namenode}" for namenode in ids]
        return [f".{nameservice}" if nameservice in self.get_list("dfs.nameservices") else ""]

    def has_failover(self, nameservice: str) -> bool:
        """Return whether clients choose among the NameNodes of a name service, perhaps of one, such
        as a federation's only router."""
        return bool(self.get_list(f"dfs.ha.namenodes.{nameservice}"))

    def _resourcemanagers(self, key: str, port: int) -> list[Address]:
        host = "yarn.resourcemanager.hostname"
        if not self.get_bool("yarn.resourcemanager.ha.enabled"):
            return [self._address(key, self.get(host), port)]
        ids = self.get_list("yarn.resourcemanager.ha.rm-ids")
        if not ids:
            raise ConfigurationError(
                f"yarn.resourcemanager.ha.enabled is true in {self._source}, but "
                "yarn.resourcemanager.ha.rm-ids names no ResourceManager: correct yarn-site.xml."
            )
        return [self._address(f"{key}.{rm}", self.get(f"{host}.{rm}"), port) for rm in ids]

    def _address(self, key: str, host: str | None, port: int) -> Address:
        value = (self.get(key) or host or "").strip()
        if not value:
            raise ConfigurationError(f"{key} is not set in {self._source}: add it to the files.")
        return self._parse(key, value, port)

    def _parse(self, key: str, value: str, port: int) -> Address:
        match = re.fullmatch(r"(\[[^\]]+\]|[^:\s]+)(?::(\d{1,5}))?", value)
        if match is None or not 0 <= int(match[2] or port) < 65536:
            raise self._wrong(key, value, "a host:port")
        return match[1].strip("[]"), int(match[2] or port)

    def _wrong(self, key: str, value: str, wanted: str) -> ConfigurationError:
        return ConfigurationError(
            f"{key} is {value!r} in {self._source}, which is not {wanted}: correct it there."
        )

    def _substitute(self, key: str, value: str) -> str:
        resolved = value
        for _ in range(MAX_SUBSTITUTIONS):
            match = VARIABLE.search(resolved)
            if match is None:
                return resolved
            replacement = self._variable(match[1])
            if replacement is None:
                return resolved
            if match[0] in replacement:
                return value  # refers to itself
            resolved = resolved[: match.start()] + replacement + resolved[match.end() :]
        raise ConfigurationError(
            f"{key} in {self._source} needs more than {MAX_SUBSTITUTIONS} substitutions: "
            "look for variables that refer to each other."
        )

    def _variable(self, name: str) -> str | None:
        match = re.fullmatch(r"env\.(.*?)(?:(:?-)(.*))?", name, re.DOTALL)
        if match is not None and name != "env.":
            value = os.environ.get(match[1])
            if value is None or (value == "" and match[2] == ":-"):
                value = match[3]
            return value
        if name == "user.name":
            return getpass.getuser()
        return self._properties.get(name)


def site_directory() -> Path:
    """Return the directory of the site files: HADOOP_CONF_DIR, else HADOOP_HOME/etc/hadoop, else
    /etc/hadoop/conf."""
    if conf_dir := os.environ.get("HADOOP_CONF_DIR"):
        return Path(conf_dir)
    home = os.environ.get("HADOOP_HOME")
    return Path(home, "etc", "hadoop") if home else Path(DEFAULT_DIRECTORY)
