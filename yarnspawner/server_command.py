"""The command line and the environment of a server, and what its user reads of a start."""

from __future__ import annotations

from yarnspawner.cluster_access import ClusterAccess
from yarnspawner.container.singleuser import CONTENTS_OPTION, SESSION_OPTION
from yarnspawner.hub.cluster import HubCluster
from yarnspawner.jupyterhub_types import JsonObject, SpawnerBase
from yarnspawner.launch.arguments import lab_defaults, with_defaults
from yarnspawner.launch.spec import LaunchSpec
from yarnspawner.launch.summary import StartSummary, files_directory

PACKAGES_OPTION = "KeptPackages.enabled"


class ServerCommand(ClusterAccess, SpawnerBase):
    """The part of YarnSpawner that decides how the server's program is called."""

    profile_title: str

    def get_env(self) -> JsonObject:
        """Return the server's environment, which travels in the container's private file."""
        env = super().get_env()
        # Without Kerberos HDFS believes this name.
        env.setdefault("HADOOP_USER_NAME", self.hadoop_name)
        return env

    def get_args(self) -> list[str]:
        """Return the server's arguments: those of the configuration, and defaults for others."""
        defaults = dict(lab_defaults(self.cmd))
        if self.contents_manager:
            defaults[CONTENTS_OPTION] = self.contents_manager
            if self.session_state:
                defaults[SESSION_OPTION] = "True"
            if self.keep_packages:
                defaults[PACKAGES_OPTION] = "True"
        return with_defaults(defaults, super().get_args())

    def _summary(self, spec: LaunchSpec, yarn: HubCluster) -> StartSummary:
        user = self.hadoop_name
        home = yarn.configuration.home_directory(user)
        files = files_directory(self.contents_manager, self.get_args(), home, user)
        return StartSummary.of(
            spec,
            profile=self.profile_title,
            environment=self.python_env,
            files=files,
            max_lifetime=self.max_lifetime,
        )
