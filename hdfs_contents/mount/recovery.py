"""Records what a mount knows in the journal, and restores it after its daemon was killed.

Names keep their node ids, and open files their handles. What programs have written and HDFS has not
is in the staging files.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypedDict

from hadoop_client.hdfs.interface import FileStatus
from hdfs_contents.mount.drafts import Draft
from hdfs_contents.mount.extents import Extents
from hdfs_contents.mount.files import OpenFiles
from hdfs_contents.mount.inodes import Node
from hdfs_contents.mount.overlay import Budget, Overlay
from hdfs_contents.mount.state import Journal, Record
from hdfs_contents.mount.tables import Directory, Handle, Recorder, Tables

# The kinds of records.
_NODE, _HANDLE, _DIRECTORY, _CLOSED, _DRAFT, _WROTE, _DROPPED, _LINKS = range(1, 9)

_NODE_VALUE = struct.Struct("<QQQ")
_HANDLE_VALUE = struct.Struct("<QI")
_WROTE_VALUE = struct.Struct("<QQqQ")


class DraftFields(TypedDict):
    """All of a draft but its content."""

    local: str
    base_size: int
    size: int
    written: list[tuple[int, int]]
    version: FileStatus
    changes: int
    published: int
    attempted: int
    modified_ms: int
    keeps_time: bool
    replaces_any: bool
    is_appending: bool
    dropped: int
    next_version: FileStatus | None


class RecordedDraft(NamedTuple):
    """A draft while the journal is read."""

    fields: DraftFields
    written: Extents


class JournalRecorder(Recorder):
    """Writes records. Used under the lock of the tables."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._pending: list[Record] = []

    def node(self, node: Node) -> None:
        self._pending.append(_node_record(node))

    def opened(self, handle: Handle | Directory) -> None:
        self._pending.append(_handle_record(handle))

    def closed(self, handle_id: int) -> None:
        self._pending.append(Record(_CLOSED, handle_id, b""))

    def draft(self, draft: Draft) -> None:
        self._pending.append(_draft_record(draft))

    def wrote(self, draft: Draft, start: int, end: int) -> None:
        value = _WROTE_VALUE.pack(start, end, draft.modified_ms, draft.changes)
        self._pending.append(Record(_WROTE, draft.node.id, value))

    def dropped(self, draft: Draft) -> None:
        self._pending.append(Record(_DROPPED, draft.node.id, b""))

    def linked(self, links: dict[str, str]) -> None:
        self._pending.append(_links_record(links))

    def commit(self) -> None:
        if self._pending:
            self._journal.append(*self._pending)
            self._pending.clear()


def live_records(tables: Tables) -> Iterator[Record]:
    """Yield records that restore the tables as they are."""
    yield from map(_node_record, tables.inodes)
    yield from map(_handle_record, tables.handles.values())
    yield from map(_draft_record, tables.drafts.values())
    yield _links_record(tables.links)


def _node_record(node: Node) -> Record:
    parent = node.parent.id if node.parent else 0
    value = _NODE_VALUE.pack(parent, node.inode, node.lookups)
    return Record(_NODE, node.id, value + node.name.encode("utf-8", "surrogateescape"))


def _handle_record(handle: Handle | Directory) -> Record:
    if isinstance(handle, Directory):
        return Record(_DIRECTORY, handle.id, _HANDLE_VALUE.pack(handle.node.id, 0))
    return Record(_HANDLE, handle.id, _HANDLE_VALUE.pack(handle.node.id, handle.flags))


def _draft_record(draft: Draft) -> Record:
    overlay = draft.overlay
    fields = DraftFields(
        local=str(overlay.local),
        base_size=overlay.base_size,
        size=overlay.size,
        written=list(overlay.written),
        version=draft.version,
        changes=draft.changes,
        published=draft.published,
        attempted=draft.attempted,
        modified_ms=draft.modified_ms,
        keeps_time=draft.keeps_time,
        replaces_any=draft.replaces_any,
        is_appending=draft.is_appending,
        dropped=overlay.dropped,
        next_version=draft.next_version,
    )
    return Record(_DRAFT, draft.node.id, json.dumps(fields).encode())


def _links_record(links: dict[str, str]) -> Record:
    return Record(_LINKS, 0, json.dumps(links).encode())


def restore(journal: Journal, tables: Tables, files: OpenFiles, budget: Budget) -> None:
    """Restore the tables from the records of a daemon that was killed."""
    drafts: dict[int, RecordedDraft] = {}
    for record in journal.replay():
        _RESTORE[record.kind](record, tables, drafts)
    for node_id, draft in drafts.items():
        tables.drafts[node_id] = _restored(node_id, draft, tables, files, budget)
    tables.inodes.drop_unused()
    files.recover()


def _restore_node(record: Record, tables: Tables, _: object) -> None:
    parent, inode, lookups = _NODE_VALUE.unpack_from(record.value)
    name = record.value[_NODE_VALUE.size :].decode("utf-8", "surrogateescape")
    tables.inodes.restore(record.key, parent, name, inode, lookups)


def _restore_handle(record: Record, tables: Tables, _: object) -> None:
    node_id, flags = _HANDLE_VALUE.unpack(record.value)
    node = tables.inodes.get(node_id)
    is_file = record.kind == _HANDLE
    tables.handles[record.key] = (
        Handle(record.key, node, flags) if is_file else Directory(record.key, node)
    )
    tables.next_handle = max(tables.next_handle, record.key + 1)


def _close_handle(record: Record, tables: Tables, _: object) -> None:
    tables.handles.pop(record.key, None)
    tables.next_handle = max(tables.next_handle, record.key + 1)


def _restore_draft(record: Record, _: Tables, drafts: dict[int, RecordedDraft]) -> None:
    fields = json.loads(record.value)
    drafts[record.key] = RecordedDraft(fields, Extents(fields["written"]))


def _restore_write(record: Record, _: Tables, drafts: dict[int, RecordedDraft]) -> None:
    start, end, modified_ms, changes = _WROTE_VALUE.unpack(record.value)
    fields, written = drafts[record.key]
    written.add(start, end)
    fields["size"] = max(fields["size"], end)
    fields["modified_ms"], fields["keeps_time"], fields["changes"] = modified_ms, False, changes


def _drop_draft(record: Record, _: Tables, drafts: dict[int, RecordedDraft]) -> None:
    drafts.pop(record.key, None)


def _restore_links(record: Record, tables: Tables, _: object) -> None:
    tables.links = json.loads(record.value)


_RESTORE: dict[int, Callable[[Record, Tables, dict[int, RecordedDraft]], None]] = {
    _NODE: _restore_node,
    _HANDLE: _restore_handle,
    _DIRECTORY: _restore_handle,
    _CLOSED: _close_handle,
    _DRAFT: _restore_draft,
    _WROTE: _restore_write,
    _DROPPED: _drop_draft,
    _LINKS: _restore_links,
}


def _restored(
    node_id: int, recorded: RecordedDraft, tables: Tables, files: OpenFiles, budget: Budget
) -> Draft:
    fields, written = recorded
    version = FileStatus(*fields["version"])
    node = tables.inodes.get(node_id)
    overlay = Overlay(
        Path(fields["local"]),
        budget,
        files.opener(node, version),
        fields["base_size"],
        size=fields["size"],
        written=written,
        dropped=fields["dropped"],
    )
    return Draft(
        node,
        overlay,
        version,
        changes=fields["changes"],
        published=fields["published"],
        attempted=fields["attempted"],
        modified_ms=fields["modified_ms"],
        keeps_time=fields["keeps_time"],
        replaces_any=fields["replaces_any"],
        is_appending=fields["is_appending"],
        next_version=FileStatus(*fields["next_version"]) if fields["next_version"] else None,
    )
