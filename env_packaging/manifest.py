"""The manifest of a published archive, as JSON in a file beside it.

- The archive is complete before its manifest appears, so a manifest implies its archive.
- Unknown fields are ignored, so that older hubs can read newer manifests. An unknown `schema` is
  refused.

The hub imports this module: standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeVar

from env_packaging.errors import DamagedEnvironmentError, UnsafeEnvironmentError

__all__ = ["SCHEMA", "Finding", "LeftOut", "Manifest", "Package", "Severity"]

#: Version of the manifest's format.
SCHEMA = 1

#: How many names of files a message has.
SHOWN_NAMES = 5

#: The code of the finding on a module that cannot be imported.
MODULE_CODE = "module"

#: The module without which no notebook server starts.
SERVER_MODULE = "jupyterhub.singleuser"

Severity = Literal["warning", "note"]

_Record = TypeVar("_Record", "Finding", "LeftOut", "Package")

#: The most that a size or a number of files may be: Java's largest, and so HDFS's.
_MOST = 2**63 - 1

#: The types that JSON must have for the annotations of fields; those of sequences are not checked.
_JSON_TYPES = {"str": (str,), "int": (int,), "str | None": (str, type(None)), "Severity": (str,)}


@dataclass(frozen=True)
class Finding:
    """Something about an environment that an administrator should know, but no reason to refuse it.

    A `warning` may make something fail in a notebook; a `note` helps to find a cause. `members`
    names the files, libraries or modules that it is about.
    """

    severity: Severity
    code: str
    message: str
    members: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The message, with the first of the members that it does not name."""
        names = [member for member in self.members if member not in self.message]
        if not names or self.code in ("outside-library", "library-elsewhere"):
            return self.message
        more = len(names) - SHOWN_NAMES
        shown = ", ".join(names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
        return f"{self.message} Files: {shown}."


def server_fault(findings: Iterable[Finding]) -> str:
    """Return why no notebook server can start in an environment with these findings."""
    messages = (
        finding.message
        for finding in findings
        if finding.code == MODULE_CODE and SERVER_MODULE in finding.members
    )
    return next(messages, "")


@dataclass(frozen=True)
class LeftOut:
    """The files that one rule kept out of the archive: the reason, their number and total size."""

    what: str
    files: int
    size_bytes: int


@dataclass(frozen=True)
class Package:
    """An installed distribution. `build` and `channel` are set for conda packages."""

    name: str
    version: str
    build: str | None = None
    channel: str | None = None


@dataclass(frozen=True)
class Manifest:
    """The description of one archive. Sizes are in bytes; `created` is ISO 8601 in UTC.

    `kind` (conda, cpython or venv), `source` (the path of the prefix or of
    the file that it was built from), `platform` (like `linux-x86_64`)
    and `libc` are those of the machine that packed. `glibc_floor` is the oldest glibc that works on
    a node, empty if nothing needs a particular one. `requirements` are those that the environment
    was built from, without credentials; empty if it was packed as it was.
    """

    name: str
    key: str
    kind: str
    source: str
    python_version: str
    platform: str
    libc: str
    sha256: str
    archive_bytes: int
    unpacked_bytes: int
    files: int
    created: str
    created_by: str
    tool: str
    packages: tuple[Package, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    findings: tuple[Finding, ...] = ()
    glibc_floor: str = ""
    requirements: tuple[str, ...] = ()
    schema: int = SCHEMA

    @property
    def server_fault(self) -> str:
        """Why no notebook server can start in the environment; empty if one can."""
        return server_fault(self.findings)

    def to_json(self) -> str:
        """Return the manifest as ASCII: file names that are not UTF-8 have no other JSON form."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read a manifest.

        Raises DamagedEnvironmentError if the text is malformed, and UnsafeEnvironmentError if its
        schema is unknown.
        """
        try:
            values = json.loads(text)
            if values["schema"] != SCHEMA:
                raise UnsafeEnvironmentError(
                    f"The manifest has schema {values['schema']!r}, but this yarnhub reads schema "
                    f"{SCHEMA}. Update yarnhub, or pack the environment again with this version."
                )
            known = _known(cls, values)
            known["packages"] = _records(Package, values["packages"])
            known["requirements"] = _texts(values.get("requirements", ()))
            known["left_out"] = _records(LeftOut, values["left_out"])
            known["findings"] = tuple(
                Finding(**{**_known(Finding, record), "members": _texts(record["members"])})
                for record in values["findings"]
            )
            return cls(**known)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedEnvironmentError(
                f"The manifest is damaged ({type(error).__name__}: {error}). "
                "Pack the environment again."
            ) from error


def _known(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a record's fields.

    Raises TypeError if one has another type, and ValueError if a number cannot be a count or size.
    """
    known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
    for field in fields(cls):
        wanted = _JSON_TYPES.get(str(field.type), (object,))
        if field.name in known and not isinstance(known[field.name], wanted):
            raise TypeError(f"{field.name} must be of type {field.type}")
        if wanted == (int,) and not 0 <= known.get(field.name, 0) <= _MOST:
            raise ValueError(f"{field.name} must be a number from 0 to {_MOST}")
    return known


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(map(str, values))


def _records(cls: type[_Record], values: list[dict[str, Any]]) -> tuple[_Record, ...]:
    return tuple(cls(**_known(cls, record)) for record in values)
