"""Cuts the members of an archive into segments, which are compressed one by one.

- Whether there is a cut after a member depends on its name and size only. A change of one package
  moves no cut outside of it, so that the other segments have the same bytes as before.
- A key names the bytes of a segment: equal keys mean equal bytes. It covers all that enters them:
  names, modes, links, contents, what bytecode is compiled from, and the compressor.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from env_packaging.build.inspection import FileStamp, Inspected
from env_packaging.build.members import Member, MemberKind
from env_packaging.build.plan import ARCHIVE_FORMAT, Plan
from env_packaging.build.scan import RULES_VERSION
from env_packaging.errors import PrefixError

#: The size of a segment on average, in bytes before compression. A cut costs about 100 bytes of
#: archive, and a changed file costs that its segment is made again.
TARGET_BYTES = 1 << 20

#: What a member takes besides its content.
_HEADER_BYTES = 512

Entry = Inspected | Member


@dataclass(frozen=True)
class Segment:
    """Members in the order of their names.

    `after` is the name of the member before them, whose directories are in the archive already;
    empty for the first segment.
    """

    entries: tuple[Entry, ...]
    after: str

    @cached_property
    def bytecode(self) -> list[Member]:
        return [
            entry
            for entry in self.entries
            if isinstance(entry, Member) and entry.kind is MemberKind.BYTECODE
        ]

    @cached_property
    def size(self) -> int:
        """The size of the files in it, without bytecode."""
        return sum(entry.size for entry in self.entries if isinstance(entry, Inspected))


def segments_of(plan: Plan) -> Iterator[Segment]:
    """Yield the segments of an archive."""
    entries: dict[str, Entry] = {file.member.name: file for file in plan.files}
    entries.update((member.name, member) for member in (*plan.links, *plan.bytecode))
    return cut(entries[name] for name in sorted(entries))


def cut(entries: Iterable[Entry]) -> Iterator[Segment]:
    """Yield segments of members, which are sorted by name.

    Bytecode ends no segment. It is written only if its source can be compiled, so it is not known
    before whether its directory is; but a source in the directory above always follows.
    """
    members: list[Entry] = []
    after = ""
    for entry in entries:
        members.append(entry)
        if _ends_segment(entry):
            yield Segment(tuple(members), after)
            members = []
            after = _member(entry).name
    if members:
        yield Segment(tuple(members), after)


def _ends_segment(entry: Entry) -> bool:
    """Return whether a cut follows, with a probability that is proportional to the size."""
    member = _member(entry)
    if member.kind is MemberKind.BYTECODE:
        return False
    size = _HEADER_BYTES + (entry.size if isinstance(entry, Inspected) else 0)
    return zlib.crc32(os.fsencode(member.name)) * TARGET_BYTES < size << 32


def _member(entry: Entry) -> Member:
    return entry.member if isinstance(entry, Inspected) else entry


class SegmentKeys:
    """Computes keys of segments.

    `compressor` names the compressor and its level. `is_settled` says of a file's change time
    whether the file can be recognized by its status.
    """

    def __init__(self, plan: Plan, compressor: str, is_settled: Callable[[int], bool]) -> None:
        interpreter = plan.prefix.interpreter
        program = f"{interpreter.version} {interpreter.cache_tag} {interpreter.executable}"
        stamp = FileStamp.of(interpreter.executable)
        self._rules = f"{ARCHIVE_FORMAT} {RULES_VERSION} {compressor} {program} {stamp}"
        self._suffix = f".{interpreter.cache_tag}.pyc"
        self._stamps = {file.member.name: file.stamp for file in plan.files}
        self._is_settled = is_settled

    def key(self, segment: Segment) -> str | None:
        """Return the key of a segment, None if a file of its bytecode has just changed.

        Raises PrefixError if a Python file changed since the plan was made.
        """
        sha256 = hashlib.sha256(os.fsencode(f"{self._rules}\0{segment.after}\0"))
        for entry in segment.entries:
            if isinstance(entry, Inspected):
                member = entry.member
                line = f"file {member.mode:o} {entry.size} {entry.sha256}"
            elif entry.kind is MemberKind.LINK:
                member, line = entry, f"link {entry.mode:o} {entry.target}"
            else:
                stamps = self._bytecode_stamps(entry)
                if not all(self._is_settled(stamp.changed_ns) for stamp in stamps):
                    return None
                member, line = entry, f"bytecode {entry.mode:o} {entry.target} {stamps}"
            sha256.update(os.fsencode(f"{member.name}\0{line}\0"))
        return sha256.hexdigest()

    def _bytecode_stamps(self, member: Member) -> list[FileStamp]:
        """Return the stamps of a Python file and of its bytecode in the prefix, if it has any."""
        directory, name = os.path.split(member.source)
        stem = name.rpartition(".")[0] or name
        try:
            source = FileStamp.of(member.source)
        except OSError as error:
            raise changed(member) from error
        if not source.has_content_of(self._stamps[member.target]):
            raise changed(member)
        try:
            return [source, FileStamp.of(f"{directory}/__pycache__/{stem}{self._suffix}")]
        except OSError:
            return [source]


def changed(member: Member) -> PrefixError:
    """Return the error for a file that changed while it was packed."""
    return PrefixError(
        f"{member.source} changed while it was packed. Pack again when nothing writes to it."
    )
