"""What can go wrong with the embedded Hadoop, as sentences for people.

MiniHadoopError
├── SettingsError        a cluster that can't be
├── MissingToolError        no suitable Java, compiler or Maven
├── ArtifactsUnavailableError  Maven can't deliver Hadoop's jars
├── ConflictError           a port is taken, a state folder is in use or isn't ours
├── DaemonError       a daemon ended, or wasn't ready in time
└── NotRunningError         there is no cluster to talk about

`exit_code` is what the command line exits with; `yarnhub --help` lists the codes.
"""

from __future__ import annotations


class MiniHadoopError(Exception):
    exit_code = 1


class SettingsError(MiniHadoopError):
    exit_code = 2


class MissingToolError(MiniHadoopError):
    exit_code = 3


class ArtifactsUnavailableError(MiniHadoopError):
    exit_code = 4


class ConflictError(MiniHadoopError):
    exit_code = 5


class DaemonError(MiniHadoopError):
    exit_code = 6


class NotRunningError(MiniHadoopError):
    exit_code = 1
