"""Home directories in HDFS, which servers keep their notebooks in.

- An existing home is left as it is.
- A missing home is created with owner, mode and quota if `c.YarnSpawner.create_hdfs_home` is set
  and the hub's user has the permission. Otherwise the failed start shows the commands to run.
- A home that is still the hub's own was left incomplete by an earlier start, and is finished.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hadoop_client.configuration import Configuration
from hadoop_client.hdfs.namenode import (
    CLIENT_PROTOCOL,
    DELETE,
    GET_FILE_INFO,
    MKDIRS,
    SET_OWNER,
    SET_QUOTA,
    DeleteRequest,
    FsPermission,
    GetFileInfoRequest,
    MkdirsRequest,
    SetOwnerRequest,
    SetQuotaRequest,
)
from hadoop_client.rpc.aio import AsyncClient
from hadoop_client.rpc.call import ConnectError, Login, LoginError, RpcError
from hadoop_client.security import kerberos
from yarnspawner.failures import ClusterUnavailableError, HomeMissingError


@dataclass(frozen=True)
class HomePolicy:
    """The mode and quota of new homes.

    `quota_bytes` limits disk space including all replicas, as in HDFS; None sets no quota.
    """

    create: bool
    mode: int
    quota_bytes: int | None


class Homes:
    """The home directories of a cluster, looked up and created as the hub's user."""

    def __init__(self, configuration: Configuration, hub_user: str) -> None:
        self._configuration = configuration
        self._hub_user = hub_user
        self._namenode = AsyncClient(
            configuration.namenode_addresses(),
            CLIENT_PROTOCOL,
            Login(user=hub_user),
            prepare=kerberos.logins(configuration, kerberos.NAMENODE),
        )

    async def ensure(self, user: str, policy: HomePolicy) -> None:
        """Create the user's home if it is missing; raises `SpawnError` if that is not possible."""
        path = self._configuration.home_directory(user)
        with _namenode_errors(f"look up or create {path}"):
            info = await self._namenode.call(GET_FILE_INFO, GetFileInfoRequest(path))
            if info.status is not None and info.status.owner != self._hub_user:
                return
            if not policy.create:
                raise HomeMissingError.of(user, path, policy.mode)
            try:
                await self._make(user, path, policy)
            except RpcError as error:
                if error.name == "AccessControlException":
                    raise HomeMissingError.of(user, path, policy.mode) from error
                raise

    async def delete(self, user: str, path: str, *, recursive: bool) -> None:
        """Delete a path as `user`; without effect if it does not exist.

        Raises `ClusterUnavailableError`, also for a directory with content unless `recursive`.
        """
        client = self._namenode.for_login(Login(user=user, real_user=self._hub_user))
        with _namenode_errors(f"delete {path}"):
            try:
                await client.call(DELETE, DeleteRequest(path, recursive=recursive))
            finally:
                await client.close()

    async def _make(self, user: str, path: str, policy: HomePolicy) -> None:
        await self._namenode.call(MKDIRS, MkdirsRequest(path, FsPermission(policy.mode)))
        if policy.quota_bytes is not None:
            await self._namenode.call(
                SET_QUOTA, SetQuotaRequest(path, storagespace_quota=policy.quota_bytes)
            )
        # Last, because a home with another owner than the hub counts as complete.
        await self._namenode.call(SET_OWNER, SetOwnerRequest(path, user))

    async def close(self) -> None:
        """Close the connection."""
        await self._namenode.close()


@contextmanager
def _namenode_errors(task: str) -> Iterator[None]:
    try:
        yield
    except (ConnectError, RpcError) as error:
        sentence = f"HDFS did not {task}: {error}."
        if isinstance(error, LoginError):
            sentence = error.about("HDFS")
        raise ClusterUnavailableError.for_now(sentence) from error
