"""Where the daemons of a cluster are: their hosts, and one block of consecutive ports.

- A chosen block lies below the ephemeral range, so neither an outgoing connection nor a server that
  binds port 0 can take one of its ports between the choice and the daemon's bind.
- Two clusters, or hubs, that start at once choose different blocks: each holds a lock on its own
  until its daemons have bound.
"""

from __future__ import annotations

import errno
import fcntl
import os
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yarnhub.minihadoop.errors import ConflictError, SettingsError

#: One form throughout: HDFS tokens carry the address as the client wrote it.
HOST = "127.0.0.1"

MAX_DATANODES = 5
BLOCK = 34
_FIRST, _LAST = 10_000, 32_000


@dataclass(frozen=True)
class ResourceManagerPorts:
    """The addresses of one ResourceManager, from its first port."""

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
    """The addresses of every daemon, from the first port of the block.

    All are on this machine; or, `distributed`, each is on a host that is called as the daemon is.
    """

    base: int
    distributed: bool = False

    @property
    def namenode_host(self) -> str:
        return "namenode" if self.distributed else HOST

    @property
    def resourcemanager_host(self) -> str:
        """A pair of them is on one machine only."""
        return "resourcemanager" if self.distributed else HOST

    def namenode_address(self, index: int = 0) -> tuple[str, int]:
        """Return where the NameNode with this index, from 0, takes calls; a pair has two."""
        return self.namenode_host, self.base + (32 if index else 0)

    @property
    def namenode_addresses(self) -> list[tuple[str, int]]:
        """Those of a pair."""
        return [self.namenode_address(index) for index in range(2)]

    @property
    def resourcemanager_admins(self) -> list[tuple[str, int]]:
        """Where the ResourceManagers of a pair take an administrator's calls."""
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
        """Return those of the ResourceManager with this index, from 0; a pair has two."""
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
        """Each NodeManager has the same ports, on an address of its own."""
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
        """Return data transfer, RPC and HTTP of the DataNode with this index, from 0."""
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
    """Return the address of the NodeManager with this index; 127.0.0.0/8 is all loopback."""
    return f"127.0.0.{index + 1}"


@contextmanager
def reserved_ports(base: int | None, datanodes: int, nodemanagers: int) -> Iterator[Ports]:
    """Find a block whose ports are all free, held against other clusters until the context ends.

    `base` is its first port; None chooses one. Raises ConflictError, naming the port that is taken.
    """
    if base is not None:
        if not 0 < base <= 65_536 - BLOCK:
            raise SettingsError(f"The first of {BLOCK} ports can't be {base}.")
        ports = Ports(base)
        taken = taken_port(ports.all(datanodes, nodemanagers))
        if taken:
            host, port = taken
            raise ConflictError(
                f"Port {port} on {host} is taken by another program; end that program, or choose"
                f" another first port ({BLOCK} ports in a row are needed)."
            )
        yield ports
        return
    with _free_block(lambda first: Ports(first).all(datanodes, nodemanagers)) as first:
        yield Ports(first)


@contextmanager
def held_ports(count: int) -> Iterator[list[int]]:
    """Find up to `BLOCK` free ports on the loopback device, held against whoever else chooses here
    until the context ends: for what binds them a moment later. Raises ConflictError."""
    assert count <= BLOCK
    with _free_block(lambda first: [(HOST, first + i) for i in range(count)]) as first:
        yield list(range(first, first + count))


@contextmanager
def kept_free(port: int) -> Iterator[None]:
    """Let nobody who chooses here take this port until the context ends. Raises ConflictError where
    somebody is about to."""
    with _block_lock(port - (port - _FIRST) % BLOCK) as locked:
        if not locked:
            raise ConflictError(f"Port {port} is about to be taken by another cluster.")
        yield


@contextmanager
def _free_block(addresses: Callable[[int], list[tuple[str, int]]]) -> Iterator[int]:
    """Find a block of which those `addresses` are free that follow from its first port."""
    blocks = list(range(_FIRST, min(_LAST, _ephemeral()) - BLOCK, BLOCK))
    random.shuffle(blocks)
    for first in blocks:
        with _block_lock(first) as locked:
            if locked and not taken_port(addresses(first)):
                yield first
                return
    raise ConflictError(
        f"No {BLOCK} free ports in a row were found above {_FIRST}: end programs that hold some."
    )


def taken_port(addresses: list[tuple[str, int]]) -> tuple[str, int] | None:
    """Return the first of these addresses that can't be bound, if any."""
    for address in addresses:
        with socket.socket() as probe:
            # As the daemons do: a connection that has just ended doesn't hold its port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise ConflictError(
                        f"Port {address[1]} can't be used: {error.strerror}."
                    ) from error
                return address
    return None


def _ephemeral() -> int:
    """Return where the ports begin that the kernel gives to whoever binds port 0."""
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


@contextmanager
def _block_lock(first: int) -> Iterator[bool]:
    # Not TMPDIR: whoever chooses ports on one machine is to see the same locks.
    folder = Path(f"/tmp/yarnhub-ports-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / str(first)).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
