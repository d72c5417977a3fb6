"""The names that the kernel knows, by their node ids.

The kernel names a file by the node id that a lookup has returned, until it forgets all its lookups.
A node knows its directory and its name there, so that a renamed directory takes what is below it
along. A deleted node has no path any more, but stays as long as the kernel knows it.

`Inodes` is not thread-safe. `changed` is called with each node that changes.
"""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from hdfs_contents.mount.protocol import ROOT


@dataclass(slots=True, eq=False)
class Node:
    """A file or directory. `parent` is None for the root, and for one that was deleted."""

    id: int
    parent: Node | None
    name: str
    #: The number that programs see. It is made from the path, so it is the same after a restart.
    inode: int
    lookups: int = 0
    #: The number of nodes that have this one as their parent.
    children: int = 0
    #: The size and the time in milliseconds that the kernel was told last, if this process has told
    #: it.
    shown_size: int | None = None
    shown_ms: int | None = None
    #: When the file was looked up first or changed here, by `time.monotonic`.
    changed: float = field(default_factory=time.monotonic)

    @property
    def is_deleted(self) -> bool:
        return self.parent is None and self.id != ROOT

    def is_below(self, *nodes: Node | None) -> bool:
        """Return whether it is one of the nodes, or below one of them."""
        node: Node | None = self
        while node is not None:
            if node in nodes:
                return True
            node = node.parent
        return False


class Inodes:
    """The table of nodes. `root` is the path in HDFS that is mounted."""

    def __init__(self, root: str, changed: Callable[[Node], None] = lambda node: None) -> None:
        self._root_path = root.rstrip("/")
        self._changed = changed
        self._root = Node(ROOT, None, "", ROOT, lookups=1)
        self._nodes = {ROOT: self._root}
        self._names: dict[tuple[int, str], Node] = {}
        self._inodes = {ROOT: self._root}
        self._next = ROOT + 1

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        """Yield all nodes but the root, each after its directory."""
        yielded = {ROOT}
        for node in self._nodes.values():
            chain = []
            ancestor: Node | None = node
            while ancestor is not None and ancestor.id not in yielded:
                chain.append(ancestor)
                yielded.add(ancestor.id)
                ancestor = ancestor.parent
            yield from reversed(chain)

    def get(self, node_id: int) -> Node:
        """Return a node; OSError, ESTALE, for one that is not known."""
        try:
            return self._nodes[node_id]
        except KeyError:
            raise OSError(errno.ESTALE, "it is not known to the mount any more") from None

    def child(self, parent: Node, name: str) -> Node | None:
        """Return the node of a name in a directory, if the kernel knows it."""
        return self._names.get((parent.id, name))

    def path(self, node: Node) -> str:
        """Return the path in HDFS; FileNotFoundError if it was deleted."""
        parts: list[str] = []
        while node.parent is not None:
            parts.append(node.name)
            node = node.parent
        if node is not self._root:
            raise FileNotFoundError(errno.ENOENT, "it was deleted")
        return "/".join([self._root_path, *reversed(parts)]) or "/"

    def path_of(self, parent: Node, name: str) -> str:
        """Return the path in HDFS of a name in a directory."""
        return f"{self.path(parent).rstrip('/')}/{name}"

    def look_up(self, parent: Node, name: str, path: str = "") -> Node:
        """Return the node of a name that the kernel is being told, and count it. `path` saves to
        compute its path."""
        node = self._names.get((parent.id, name))
        if node is None:
            path = path or self.path_of(parent, name)
            node = Node(self._next, parent, name, self._unused_inode(path))
            self._next += 1
            self._add(node)
        node.lookups += 1
        self._changed(node)
        return node

    def forget(self, node_id: int, lookups: int) -> None:
        """Take back lookups. The node goes with the last one, and when nothing is below it."""
        node = self._nodes.get(node_id)
        if node is not None and node is not self._root:
            node.lookups = max(node.lookups - lookups, 0)
            self._changed(node)
            self._drop_if_unused(node)

    def detach(self, node: Node) -> None:
        """Take away the name of a node, which was deleted."""
        if node.parent is not None:
            parent = self._unname(node)
            node.parent = None
            self._changed(node)
            self._drop_if_unused(parent)
            self._drop_if_unused(node)

    def rename(self, parent: Node, name: str, new_parent: Node, new_name: str) -> None:
        """Give a node a new name. What had that name before is deleted."""
        if (parent, name) == (new_parent, new_name):
            return
        replaced = self.child(new_parent, new_name)
        if replaced is not None:
            self.detach(replaced)
        node = self.child(parent, name)
        if node is not None:
            old_parent = self._unname(node)
            node.parent, node.name = new_parent, new_name
            self._name(node)
            self._changed(node)
            self._drop_if_unused(old_parent)

    def restore(self, node_id: int, parent_id: int, name: str, inode: int, lookups: int) -> None:
        """Put a node back as it was, or change one; a parent of 0 is none."""
        node = self._nodes.get(node_id)
        if node is None:
            node = Node(node_id, None, name, inode)
            self._nodes[node_id] = self._inodes[inode] = node
        elif node.parent is not None:
            self._unname(node)
        node.parent, node.name, node.lookups = self._nodes.get(parent_id), name, lookups
        if node.parent is not None:
            self._name(node)
        self._next = max(self._next, node_id + 1)

    def oldest(self, count: int) -> list[Node]:
        """Return the nodes without any below them that have been known for longest."""
        leaves = (node for node in self._nodes.values() if node.parent and not node.children)
        return list(islice(leaves, count))

    def drop_unused(self) -> None:
        """Drop all nodes that the kernel has forgotten, after `restore`."""
        for node in list(self._nodes.values()):
            self._drop_if_unused(node)
        # One that was dropped may have had a name that is another node's now.
        self._names = {(node.parent.id, node.name): node for node in self if node.parent}

    def _add(self, node: Node) -> None:
        self._nodes[node.id] = self._inodes[node.inode] = node
        self._name(node)

    def _name(self, node: Node) -> None:
        assert node.parent is not None
        self._names[node.parent.id, node.name] = node
        node.parent.children += 1

    def _unname(self, node: Node) -> Node:
        parent = node.parent
        assert parent is not None
        if self._names.get((parent.id, node.name)) is node:
            del self._names[parent.id, node.name]
        parent.children -= 1
        return parent

    def _drop_if_unused(self, node: Node | None) -> None:
        while node and node is not self._root and not node.lookups and not node.children:
            if self._nodes.pop(node.id, None) is None:
                return
            if self._inodes.get(node.inode) is node:
                del self._inodes[node.inode]
            node = self._unname(node) if node.parent is not None else None

    def _unused_inode(self, path: str) -> int:
        """Return a number for a path that no other node has."""
        inode = inode_of(path)
        while inode in self._inodes:
            inode = (inode + 1) & _INODE_MASK
        return inode


#: Programs may read the number as a signed one.
_INODE_MASK = (1 << 63) - 1


def inode_of(path: str) -> int:
    """Return the number of a path, the same on each machine."""
    digest = hashlib.blake2b(path.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") & _INODE_MASK
