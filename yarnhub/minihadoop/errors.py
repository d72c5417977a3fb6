"""The errors of the embedded Hadoop.

MiniHadoopError
├── SettingsError              a cluster that cannot exist
├── MissingToolError           no suitable Java, compiler, Maven or KDC
├── ArtifactsUnavailableError  Maven cannot fetch Hadoop's jars
├── ConflictError              a port is taken, or a state directory is in use or not ours
├── RootError                  root would give every account its rights
├── DaemonError                a daemon ended, or was not ready in time
└── NotRunningError            no cluster runs in the state directory

`exit_code` is the exit code of the command line; `yarnhub --help` lists the codes.
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


class RootError(MiniHadoopError):
    exit_code = 5


class DaemonError(MiniHadoopError):
    exit_code = 6


class NotRunningError(MiniHadoopError):
    exit_code = 1
