"""The addresses of a cluster's daemons: their hosts, and one block of consecutive ports.

- A chosen block is below the ephemeral range. So neither an outgoing connection nor a server that
  binds port 0 can take one of its ports between the choice and the daemon's bind.
- Clusters and hubs that start in parallel choose different blocks: each locks its own until its
  daemons have bound their ports.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import random
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yarnhub.minihadoop.errors import ConflictError, SettingsError

#: Used everywhere in this form: HDFS tokens contain the address as the client wrote it.
HOST = "127.0.0.1"

MAX_DATANODES = 5
BLOCK = 34
_FIRST, _LAST = 10_000, 32_000

#: Each account has its own lock directory. Its place does not depend on TMPDIR, because all
#: processes of the account must see the same locks.
_LOCKS = "/tmp/yarnhub-ports"

#: Another account's file is neither followed to nor truncated, and a FIFO does not block.
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class ResourceManagerPorts:
    """The ports of one ResourceManager, from its first one."""

    client: int

    @property
    def scheduler(self) -> int:
        return self.client + 1

    @property
    def tracker(self) -> int:
        return self.client + 2

    @property
    def admin(self) -> int:
        return self.client + 3

    @property
    def http(self) -> int:
        return self.client + 4


@dataclass(frozen=True)
class Ports:
    """The addresses of all daemons, from the first port of the block.

    All are on this machine, or, if `distributed`, each is on a host with the daemon's name.
    """

    base: int
    distributed: bool = False

    @property
    def namenode_host(self) -> str:
        return "namenode" if self.distributed else HOST

    @property
    def resourcemanager_host(self) -> str:
        """A distributed cluster has only one."""
        return "resourcemanager" if self.distributed else HOST

    def namenode_address(self, index: int = 0) -> tuple[str, int]:
        """Return the RPC address of the NameNode with this index, 0 or 1."""
        return self.namenode_host, self.base + (32 if index else 0)

    @property
    def namenode_addresses(self) -> list[tuple[str, int]]:
        """The RPC addresses of both NameNodes of a pair."""
        return [self.namenode_address(index) for index in range(2)]

    @property
    def resourcemanager_admins(self) -> list[tuple[str, int]]:
        """The admin addresses of both ResourceManagers of a pair."""
        return [(self.resourcemanager_host, self.of_resourcemanager(i).admin) for i in range(2)]

    def namenode_url(self, index: int = 0) -> str:
        host, port = self.namenode_address(index)
        return f"http://{host}:{port + 1}"

    def resourcemanager_url(self, index: int = 0) -> str:
        return f"http://{self.resourcemanager_host}:{self.of_resourcemanager(index).http}"

    def datanode_host(self, index: int) -> str:
        return f"datanode{index + 1}" if self.distributed else HOST

    def nodemanager_host(self, index: int) -> str:
        return f"nodemanager{index + 1}" if self.distributed else node_host(index)

    def of_resourcemanager(self, index: int) -> ResourceManagerPorts:
        """Return the ports of the ResourceManager with this index, 0 or 1."""
        return ResourceManagerPorts(self.base + (26 if index else 2))

    @property
    def kdc_host(self) -> str:
        return "kdc" if self.distributed else HOST

    @property
    def kdc(self) -> int:
        return self.base + 31

    @property
    def resourcemanager(self) -> int:
        return self.of_resourcemanager(0).client

    @property
    def resourcemanager_http(self) -> int:
        return self.of_resourcemanager(0).http

    @property
    def nodemanager(self) -> int:
        """All NodeManagers have the same ports, each on another address."""
        return self.base + 7

    @property
    def localizer(self) -> int:
        return self.base + 8

    @property
    def nodemanager_http(self) -> int:
        return self.base + 9

    @property
    def collector(self) -> int:
        return self.base + 10

    def datanode(self, index: int) -> tuple[int, int, int]:
        """Return the ports for data transfer, RPC and HTTP of the DataNode with this index."""
        first = self.base + 11 + 3 * index
        return first, first + 1, first + 2

    def all(self, datanodes: int, nodemanagers: int) -> list[tuple[str, int]]:
        on_every_node = (self.nodemanager, self.localizer, self.nodemanager_http, self.collector)
        return [
            *((HOST, port) for port in range(self.base, self.nodemanager)),
            *((HOST, self.of_resourcemanager(1).client + i) for i in range(5)),
            (HOST, self.kdc),
            *((HOST, self.namenode_address(1)[1] + i) for i in range(2)),
            *((node_host(i), port) for i in range(nodemanagers) for port in on_every_node),
            *((HOST, port) for i in range(datanodes) for port in self.datanode(i)),
        ]


def node_host(index: int) -> str:
    """Return the address of the NodeManager with this index; all of 127.0.0.0/8 is loopback."""
    return f"127.0.0.{index + 1}"


@contextmanager
def reserved_ports(base: int | None, datanodes: int, nodemanagers: int) -> Iterator[Ports]:
    """Reserve a block of free ports against other clusters until the context ends.

    `base` is its first port; None chooses one. Raises ConflictError with the port that is taken.
    """
    if base is not None:
        if not 0 < base <= 65_536 - BLOCK:
            raise SettingsError(f"The first of {BLOCK} ports cannot be {base}.")
        ports = Ports(base)
        taken = taken_port(ports.all(datanodes, nodemanagers))
        if taken:
            host, port = taken
            raise ConflictError(
                f"Port {port} on {host} is taken by another program. End that program, or choose "
                f"another first port ({BLOCK} consecutive ports are needed)."
            )
        yield ports
        return
    with _free_block(lambda first: Ports(first).all(datanodes, nodemanagers)) as first:
        yield Ports(first)


@contextmanager
def held_ports(count: int) -> Iterator[list[int]]:
    """Reserve up to `BLOCK` free loopback ports against other clusters until the context ends.

    The caller binds them inside the context. Raises ConflictError.
    """
    assert count <= BLOCK
    with _free_block(lambda first: [(HOST, first + i) for i in range(count)]) as first:
        yield list(range(first, first + count))


@contextmanager
def kept_free(port: int) -> Iterator[None]:
    """Keep clusters from choosing this port until the context ends.

    Raises ConflictError if another one is choosing it.
    """
    with _block_lock(port - (port - _FIRST) % BLOCK) as locked:
        if not locked:
            raise ConflictError(f"Port {port} is about to be taken by another cluster.")
        yield


@contextmanager
def _free_block(addresses: Callable[[int], list[tuple[str, int]]]) -> Iterator[int]:
    """Lock a block whose `addresses`, computed from its first port, are free."""
    blocks = list(range(_FIRST, min(_LAST, _ephemeral()) - BLOCK, BLOCK))
    random.shuffle(blocks)
    for first in blocks:
        with _block_lock(first) as locked:
            if locked and not taken_port(addresses(first)):
                yield first
                return
    raise ConflictError(
        f"There are no {BLOCK} consecutive free ports above {_FIRST}. End programs that use some."
    )


def taken_port(addresses: list[tuple[str, int]]) -> tuple[str, int] | None:
    """Return the first of these addresses that is in use, None if all are free."""
    for address in addresses:
        with socket.socket() as probe:
            # As the daemons do: a port in TIME_WAIT can be bound.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise ConflictError(
                        f"Port {address[1]} cannot be used: {error.strerror}."
                    ) from error
                return address
    return None


def _ephemeral() -> int:
    """Return the first port of the kernel's ephemeral range."""
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


@contextmanager
def _block_lock(first: int) -> Iterator[bool]:
    """Lock the block of ports that starts at `first`; yields whether it could be locked."""
    with _lock_directory() as directory:
        try:
            file = os.open(str(first), _LOCK_FLAGS, 0o600, dir_fd=directory)
        except OSError as error:
            raise ConflictError(
                f"The lock {_LOCKS}-{os.getuid()}/{first} cannot be opened ({error.strerror}). "
                "Remove it."
            ) from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(file)


@contextmanager
def _lock_directory() -> Iterator[int]:
    """Open this account's lock directory, and create it if necessary. Raises ConflictError.

    Every account can create this name first, so the directory is checked after it is opened. The
    sticky bit of /tmp then keeps other accounts from replacing it.
    """
    path = f"{_LOCKS}-{os.getuid()}"
    with contextlib.ExitStack() as undo:
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)  # noqa: PTH102 - Path.mkdir follows a link
            directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            undo.callback(os.close, directory)
            status = os.fstat(directory)
            is_own = status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) == 0o700
        except OSError:
            is_own = False
        if not is_own:
            raise ConflictError(
                f"{path} must be a directory that belongs to your account, with mode 0700. "
                "Remove it, or ask an administrator to remove it."
            )
        yield directory
