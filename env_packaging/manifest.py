"""The manifest: what a published archive holds, as JSON beside it.

- It is complete before the archive can be found: whoever finds a manifest finds its archive.
- Fields that a reader doesn't know are ignored, so that older hubs read newer manifests; a
  `schema` that it doesn't know is refused.

Imported by the hub: standard library only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeVar

from env_packaging.errors import DamagedEnvironment, UnsafeEnvironmentError

SCHEMA = 1

Severity = Literal["warning", "note"]

_Record = TypeVar("_Record", "Finding", "LeftOut", "Package")


@dataclass(frozen=True)
class Finding:
    """Something that an admin should know about an environment, and that didn't prevent packing.

    A `warning` may make something fail in a notebook; a `note` is for whoever looks for a cause.
    `members` names what it is about: files in the archive, libraries or modules.
    """

    severity: Severity
    code: str
    message: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """What a rule kept out of the archive: why, and how many files of how many bytes."""

    what: str
    files: int
    size_bytes: int


@dataclass(frozen=True)
class Package:
    """An installed distribution. `build` and `channel` are conda's."""

    name: str
    version: str
    build: str | None = None
    channel: str | None = None


@dataclass(frozen=True)
class Manifest:
    """What is known of one archive. Sizes are in bytes; `created` is ISO 8601 in UTC.

    `kind` is the kind of prefix that was packed (conda, cpython or venv) and `source` where it was,
    on the machine where it was packed; `platform` is like `linux-x86_64`; `libc` is that machine's,
    and `glibc_floor` the oldest that nodes may have, empty where nothing asks for any.
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
    schema: int = SCHEMA

    def to_json(self) -> str:
        """Return ASCII, as names that are no UTF-8 can't be written as anything else."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read a manifest. Raises DamagedEnvironment for text that is none, UnsafeEnvironmentError
        for
        one of a schema that is not known here."""
        try:
            values = json.loads(text)
            if values["schema"] != SCHEMA:
                raise UnsafeEnvironmentError(
                    f"The manifest has schema {values['schema']!r} and this yarnhub reads schema "
                    f"{SCHEMA}: update yarnhub, or pack the environment again with this version."
                )
            known = _known(cls, values)
            known["packages"] = _records(Package, values["packages"])
            known["left_out"] = _records(LeftOut, values["left_out"])
            known["findings"] = tuple(
                Finding(**{**_known(Finding, each), "members": tuple(each["members"])})
                for each in values["findings"]
            )
            return cls(**known)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedEnvironment(
                f"The manifest is damaged ({type(error).__name__}: {error}): "
                "pack the environment again."
            ) from error


def _known(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    return {field.name: values[field.name] for field in fields(cls) if field.name in values}


def _records(cls: type[_Record], values: list[dict[str, Any]]) -> tuple[_Record, ...]:
    return tuple(cls(**_known(cls, each)) for each in values)
