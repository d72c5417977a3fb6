"""A home in HDFS for everybody who gets a server: that is where their notebooks are kept.

- Where there is one it is left as it is.
- Where there is none it is made, with owner, mode and quota, if the hub is told to and may do so;
  else the person is told what an administrator has to run.
- One that was left half-made, still the hub's own, is finished.
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
    """What a new home is like. `quota_bytes` is of disk space, all replicas counted, as HDFS does;
    None: no quota."""

    create: bool
    mode: int
    quota_bytes: int | None


class Homes:
    """The homes of one cluster, seen and made as the hub's own user."""

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
        """See that `user` has a home; raises `SpawnError` where there is and can be none."""
        path = self._configuration.home_directory(user)
        with _namenode_errors("tell about the user's home"):
            found = await self._namenode.call(GET_FILE_INFO, GetFileInfoRequest(path))
            if found.status is not None and found.status.owner != self._hub_user:
                return
            if not policy.create:
                raise HomeMissingError.of(user, path, policy.mode)
            try:
                await self._make(user, path, policy)
            except RpcError as error:
                if error.name == "AccessControlException":
                    raise HomeMissingError.of(user, path, policy.mode) from error
                raise

    async def delete(self, user: str, path: str) -> None:
        """Delete what is at `path` as `user`, whose it is, a folder with all in it; without effect
        where there is nothing. Raises `ClusterUnavailableError`."""
        client = self._namenode.for_login(Login(user=user, real_user=self._hub_user))
        with _namenode_errors(f"delete {path}"):
            try:
                await client.call(DELETE, DeleteRequest(path, recursive=True))
            finally:
                await client.close()

    async def _make(self, user: str, path: str, policy: HomePolicy) -> None:
        await self._namenode.call(MKDIRS, MkdirsRequest(path, FsPermission(policy.mode)))
        if policy.quota_bytes is not None:
            await self._namenode.call(
                SET_QUOTA, SetQuotaRequest(path, storagespace_quota=policy.quota_bytes)
            )
        # Last: from then on it counts as made.
        await self._namenode.call(SET_OWNER, SetOwnerRequest(path, user))

    async def close(self) -> None:
        """Close the connection."""
        await self._namenode.close()


@contextmanager
def _namenode_errors(task: str) -> Iterator[None]:
    try:
        yield
    except (ConnectError, RpcError) as error:
        did_not = f"HDFS did not {task}: {error}."
        said = error.about("HDFS") if isinstance(error, LoginError) else did_not
        raise ClusterUnavailableError.for_now(said) from error
