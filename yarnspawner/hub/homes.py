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

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.hdfs.errors import refusal
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
from hadoop_client.mounts import Place
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
        self._prepare = kerberos.logins(configuration, kerberos.NAMENODE)
        self._namenodes = {name: self._client(name) for name in configuration.nameservices()}

    async def ensure(self, user: str, policy: HomePolicy) -> None:
        """Create the user's home if it is missing; raises `SpawnError` if that is not possible."""
        home = self._configuration.home_directory(user)
        place = self._place(home)
        namenode, path = self._namenodes[place.nameservice], place.path
        with _namenode_errors(f"look up or create {home}"):
            info = await namenode.call(GET_FILE_INFO, GetFileInfoRequest(path))
            if info.status is not None and info.status.owner != self._hub_user:
                return
            if not policy.create:
                raise HomeMissingError.of(user, home, policy.mode)
            try:
                await _make(namenode, user, path, policy)
            except RpcError as error:
                if error.name == "AccessControlException":
                    raise HomeMissingError.of(user, home, policy.mode) from error
                raise

    async def delete(self, user: str, path: str, *, recursive: bool) -> None:
        """Delete a path as `user`; without effect if it does not exist.

        Raises `ClusterUnavailableError`, also for a directory with content unless `recursive`.
        """
        place = self._place(path)
        namenode = self._namenodes[place.nameservice]
        client = namenode.for_login(Login(user=user, real_user=self._hub_user))
        with _namenode_errors(f"delete {path}"):
            try:
                await client.call(DELETE, DeleteRequest(place.path, recursive=recursive))
            finally:
                await client.close()

    def _client(self, nameservice: str) -> AsyncClient:
        addresses = self._configuration.namenode_addresses(nameservice)
        login = Login(user=self._hub_user)
        return AsyncClient(addresses, CLIENT_PROTOCOL, login, prepare=self._prepare)

    def _place(self, path: str) -> Place:
        try:
            return self._configuration.place(path)
        except ConfigurationError as error:
            raise ClusterUnavailableError(f"{error} Ask an administrator to do so.") from error

    async def close(self) -> None:
        """Close the connections."""
        for namenode in self._namenodes.values():
            await namenode.close()


async def _make(namenode: AsyncClient, user: str, path: str, policy: HomePolicy) -> None:
    await namenode.call(MKDIRS, MkdirsRequest(path, FsPermission(policy.mode)))
    if policy.quota_bytes is not None:
        await namenode.call(SET_QUOTA, SetQuotaRequest(path, storagespace_quota=policy.quota_bytes))
    # Last, because a home with another owner than the hub counts as complete.
    await namenode.call(SET_OWNER, SetOwnerRequest(path, user))


@contextmanager
def _namenode_errors(task: str) -> Iterator[None]:
    try:
        yield
    except (ConnectError, RpcError) as error:
        sentence = f"HDFS did not {task}: {error}."
        if isinstance(error, LoginError):
            sentence = error.about("HDFS")
        elif isinstance(error, RpcError):
            reason = refusal(error.exception_class, error.message)
            sentence = f"HDFS did not {task}: {reason.rstrip('.')}."
        raise ClusterUnavailableError.for_now(sentence) from error
