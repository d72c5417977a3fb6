"""Node ids stay those of the same files, whatever is renamed, deleted and forgotten."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hdfs_contents.mount.inodes import Inodes, Node, inode_of
from hdfs_contents.mount.protocol import ROOT

NAMES = st.sampled_from("abc")


class KernelAndTable(RuleBasedStateMachine):
    """The kernel's view is a model: the path and the lookups of each node id."""

    def __init__(self) -> None:
        super().__init__()
        self.changed: dict[int, tuple[int, str, int, int]] = {}
        self.inodes = Inodes("/user", self.record)
        self.paths: dict[int, str | None] = {ROOT: "/user"}
        self.lookups = {ROOT: 1}

    def record(self, node: Node) -> None:
        parent = node.parent.id if node.parent else 0
        self.changed[node.id] = (parent, node.name, node.inode, node.lookups)

    def some(self, data: st.DataObject) -> Node | None:
        """Return a node that the kernel knows and that was not deleted."""
        known = [node for node, path in self.paths.items() if path and self.lookups[node]]
        return self.inodes.get(data.draw(st.sampled_from(known)))

    @rule(data=st.data(), name=NAMES)
    def look_up(self, data, name) -> None:
        parent = self.some(data)
        node = self.inodes.look_up(parent, name)
        path = f"{self.paths[parent.id]}/{name}"
        assert self.paths.setdefault(node.id, path) == path
        self.lookups[node.id] = self.lookups.get(node.id, 0) + 1

    @rule(data=st.data())
    def forget_a_leaf(self, data) -> None:
        """The kernel forgets a directory only after all that is in it."""
        node = self.some(data)
        path = self.paths[node.id]
        if node.id == ROOT or any(
            other and other.startswith(f"{path}/") and self.lookups[number]
            for number, other in self.paths.items()
        ):
            return
        self.inodes.forget(node.id, self.lookups[node.id])
        self.lookups[node.id] = 0
        del self.paths[node.id]

    @rule(data=st.data(), name=NAMES)
    def delete(self, data, name) -> None:
        parent = self.some(data)
        self.gone(f"{self.paths[parent.id]}/{name}")
        node = self.inodes.child(parent, name)
        if node:
            self.inodes.detach(node)

    def gone(self, path: str) -> None:
        for node, other in self.paths.items():
            if other and (other == path or other.startswith(f"{path}/")):
                self.paths[node] = None

    @rule(data=st.data(), name=NAMES, new_name=NAMES)
    def rename(self, data, name, new_name) -> None:
        parent, new_parent = self.some(data), self.some(data)
        source = f"{self.paths[parent.id]}/{name}"
        target = f"{self.paths[new_parent.id]}/{new_name}"
        if f"{target}/".startswith(f"{source}/") or f"{source}/".startswith(f"{target}/"):
            return  # the kernel refuses it
        self.gone(target)
        for node, path in self.paths.items():
            if path and (path == source or path.startswith(f"{source}/")):
                self.paths[node] = target + path[len(source) :]
        self.inodes.rename(parent, name, new_parent, new_name)

    @rule()
    def be_killed(self) -> None:
        """Restore the table from what was recorded."""
        restored = Inodes("/user", self.record)
        for node, (_, name, inode, lookups) in sorted(self.changed.items()):
            restored.restore(node, 0, name, inode, lookups)
        for node, (parent, name, inode, lookups) in self.changed.items():
            restored.restore(node, parent, name, inode, lookups)
        restored.drop_unused()
        assert len(restored) == len(self.inodes)
        self.inodes = restored

    @invariant()
    def every_known_node_has_its_path(self) -> None:
        for node, path in self.paths.items():
            if not self.lookups[node]:
                continue
            if path is None:
                with pytest.raises(FileNotFoundError):
                    self.inodes.path(self.inodes.get(node))
            else:
                assert self.inodes.path(self.inodes.get(node)) == path

    @invariant()
    def no_two_files_have_one_number_and_each_comes_after_its_directory(self) -> None:
        nodes = list(self.inodes)
        assert len({node.inode for node in nodes}) == len(nodes)
        seen = {ROOT, 0}
        for node in nodes:
            assert (node.parent.id if node.parent else 0) in seen
            seen.add(node.id)

    @invariant()
    def what_the_kernel_has_forgotten_is_dropped(self) -> None:
        for node in self.inodes:
            assert node.lookups or node.children


TestInodes = KernelAndTable.TestCase
TestInodes.settings = settings(max_examples=40, stateful_step_count=30)


def test_a_file_has_the_same_number_after_a_restart() -> None:
    numbers = []
    for _ in range(2):
        inodes = Inodes("/")
        numbers.append(inodes.look_up(inodes.get(ROOT), "a").inode)
    assert numbers == [inode_of("/a")] * 2


def test_a_file_and_what_has_its_former_name_have_two_numbers() -> None:
    inodes = Inodes("/")
    root = inodes.get(ROOT)
    moved = inodes.look_up(root, "a")
    inodes.rename(root, "a", root, "b")
    assert inodes.look_up(root, "a").inode != moved.inode


def test_after_a_restart_a_name_is_not_taken_by_a_file_that_had_it_before() -> None:
    restored = Inodes("/")
    records = [(2, ROOT, "a", 20, 1), (3, ROOT, "a", 30, 0)]  # the second is forgotten
    for record in records:
        restored.restore(*record)
    restored.drop_unused()
    root = restored.get(ROOT)
    restored.rename(root, "a", root, "b")
    assert restored.path(restored.get(2)) == "/b"
