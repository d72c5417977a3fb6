"""The command line and the environment of a daemon's process."""

from __future__ import annotations

import os
from pathlib import Path

from yarnhub.minihadoop import class_archive, kerberos
from yarnhub.minihadoop.java import SMALL_JVM
from yarnhub.minihadoop.state import ClusterState

#: The class and the heap (MB) of each kind of daemon.
_DAEMONS = {
    "namenode": ("org.apache.hadoop.hdfs.server.namenode.NameNode", 256),
    "datanode": ("org.apache.hadoop.hdfs.server.datanode.DataNode", 128),
    "resourcemanager": ("org.apache.hadoop.yarn.server.resourcemanager.ResourceManager", 384),
    "nodemanager": ("org.apache.hadoop.yarn.server.nodemanager.NodeManager", 256),
}

_OPENS = ["java.lang", "java.util", "java.net", "sun.nio.ch"]

#: Hadoop before 3.2 asks it for the default realm.
_KERBEROS = "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED"


def daemon_command(state: ClusterState, kind: str, name: str) -> list[str]:
    main, heap_mb = _DAEMONS[kind]
    return [
        state.distribution.java,
        f"-Dproc_{kind}",  # Identifies it in `ps`, as with Hadoop's own scripts.
        f"-Xmx{heap_mb}m",
        *SMALL_JVM,
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENS),
        "-Dhadoop.root.logger=INFO,console",
        "-Djava.net.preferIPv4Stack=true",
        *([_KERBEROS, state.variables()["HADOOP_OPTS"]] if state.settings.security else ()),
        f"-Djava.io.tmpdir={state.folder / 'tmp'}",
        f"-Dhadoop.home.dir={state.folder}",
        *_class_options(state, kind, name),
        main,
    ]


def _class_options(state: ClusterState, kind: str, name: str) -> list[str]:
    """Return the options that say where Java finds the classes."""
    conf_dir = state.conf_dir / name
    usual = state.distribution.classpath(conf_dir)
    if kind == "nodemanager" and state.settings.security:
        # Tests replace a class there, without which a NodeManager that has no native library ends
        # when it collects logs. No archive of classes fits then.
        return ["-cp", f"{conf_dir}:{usual}"]
    record = classes_record(state, name)
    return [*class_archive.java_options(state.distribution, record), "-cp", usual]


def classes_record(state: ClusterState, name: str) -> Path:
    """Return the file in which a daemon records its classes while there is no archive of them."""
    return state.folder / "tmp" / f"{name}.classes"


def daemon_env(state: ClusterState) -> dict[str, str]:
    """Return the environment of a daemon, without any variables of the caller's own Hadoop.

    HADOOP_CONF_DIR is the clients' directory, because a NodeManager passes it to its containers.
    """
    names = ("HOME", "LANG", "PATH", "TZ", "USER")
    realm = kerberos.variables(state.folder) if state.settings.security else {}
    return {
        **{name: os.environ[name] for name in names if name in os.environ},
        **realm,
        # Daemons must not use a ticket of the user who starts the cluster.
        "KRB5CCNAME": f"FILE:{state.folder}/krb5/no-tickets",
        "JAVA_HOME": str(state.distribution.java_home),
        "HADOOP_CONF_DIR": str(state.conf_dir),
    }
