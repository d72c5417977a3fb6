"""What can go wrong with the embedded Hadoop, as sentences for people.

MiniHadoopError
├── BadSettings        a cluster that can't be
├── MissingTool        no suitable Java, compiler or Maven
├── ArtifactsUnavailable  Maven can't deliver Hadoop's jars
├── InTheWay           a port is taken, a state folder is in use or isn't ours
├── DaemonFailed       a daemon ended, or wasn't ready in time
└── NotRunning         there is no cluster to talk about

`exit_code` is what the command line exits with; `yarnhub --help` lists the codes.
"""

from __future__ import annotations


class MiniHadoopError(Exception):
    exit_code = 1


class BadSettings(MiniHadoopError):
    exit_code = 2


class MissingTool(MiniHadoopError):
    exit_code = 3


class ArtifactsUnavailable(MiniHadoopError):
    exit_code = 4


class InTheWay(MiniHadoopError):
    exit_code = 5


class DaemonFailed(MiniHadoopError):
    exit_code = 6


class NotRunning(MiniHadoopError):
    exit_code = 1
