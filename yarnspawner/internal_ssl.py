"""JupyterHub's `internal_ssl` for a server whose node is not known before the start."""

from __future__ import annotations

from yarnspawner.jupyterhub_types import SpawnerBase
from yarnspawner.launch import certificates


class InternalSsl(SpawnerBase):
    """The part of YarnSpawner that has the server's certificates made and shipped."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.certificates: dict[str, bytes] = {}

    async def node_names(self) -> list[str]:
        """Return all names and addresses of the nodes that the server may run on.

        Raises `ClusterUnavailableError`.
        """
        raise NotImplementedError

    async def create_certs(self) -> dict[str, str]:
        """Create the server's certificates, which name all nodes on which it may run."""
        configured = self.ssl_alt_names
        if callable(configured):
            return await super().create_certs()
        self.ssl_alt_names = [*configured, *certificates.alt_names(await self.node_names())]
        try:
            return await super().create_certs()
        finally:
            self.ssl_alt_names = configured

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        """Put the certificates into the launch; returns their paths in the container."""
        self.certificates = certificates.read_files(paths)
        return {name: certificates.container_path(name) for name in certificates.VARIABLES}
