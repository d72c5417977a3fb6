"""Lists the members of a conda environment, using conda-pack.

conda-pack knows which files belong to the environment, and which are only in its prefix (the
package cache and other environments in a base prefix). The files themselves are read from the
prefix: the packed environment is the one that works here, whether the package cache was pruned or a
file was changed locally.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

from conda_pack import CondaEnv, CondaPackException

from env_packaging.build.credentials import without_credentials
from env_packaging.build.members import Listing, Member
from env_packaging.build.prefix import Prefix
from env_packaging.build.relocate import CONDA_STATE, CONDA_VARIABLES, conda_variables
from env_packaging.errors import PrefixError
from env_packaging.manifest import Finding, Package


class _Record(TypedDict, total=False):
    """The fields of a record in conda-meta that are used here."""

    name: str
    version: str
    build: str
    channel: str


def list_conda(prefix: Prefix) -> Listing:
    """List the environment's files.

    Files in conda's records that another tool deleted or moved are a finding. Raises PrefixError if
    the records cannot be read.
    """
    listing = Listing()
    roots = prefix.embedded_paths
    for name in sorted(_targets(prefix, listing)):
        if "__pycache__" not in name.split("/"):
            listing.add(name, prefix.path / name, roots)  # conda-pack names empty directories too
    if (state := listing.members.get(CONDA_STATE)) and _has_variables(state.source):
        listing.members[CONDA_VARIABLES] = Member(CONDA_VARIABLES, state.source)
    return listing


def _has_variables(state: Path) -> bool:
    try:
        return bool(conda_variables(state.read_bytes()))
    except (OSError, ValueError):
        return False  # conda ignores it too, or reading it for the archive reports the error


def _targets(prefix: Prefix, listing: Listing) -> set[str]:
    # Editable installs are refused for each kind of prefix, in preflight.
    options = {"on_missing_cache": "ignore", "ignore_editable_packages": True}
    try:
        try:
            environment = CondaEnv.from_prefix(str(prefix.path), **options)
        except CondaPackException as error:
            if "deleted/overwritten" not in str(error):
                raise
            listing.findings.append(_clobbered(str(error)))
            environment = CondaEnv.from_prefix(
                str(prefix.path), ignore_missing_files=True, **options
            )
    except (CondaPackException, OSError, ValueError, KeyError, TypeError) as error:
        # Other tools write the records: a missing field shows as a KeyError.
        damaged = ", ".join(_damaged_records(prefix.path))
        raise PrefixError(
            f"The conda records of {prefix.path} cannot be read: {type(error).__name__}: {error}"
            + (f". Damaged: {damaged}. Reinstall these packages." if damaged else "")
        ) from error
    return {file.target for file in environment}


def _damaged_records(prefix: Path) -> list[str]:
    """Return the names of records that are no JSON, or lack a field that conda-pack reads."""
    damaged = []
    for path in sorted((prefix / "conda-meta").glob("*.json")):
        try:
            record = json.loads(path.read_bytes())
            record["name"], record["version"], record["files"], record["link"]["source"]
        except (ValueError, KeyError, TypeError, OSError):
            damaged.append(path.name)
    return damaged


def _clobbered(message: str) -> Finding:
    packages = tuple(
        line.removeprefix("- ").rstrip(":")
        for line in message.splitlines()
        if line.startswith("- ")
    )
    return Finding(
        "warning",
        "clobbered",
        "Another tool, such as pip, deleted or replaced files that conda installed. The "
        f"environment is packed as it is. Packages: {', '.join(packages)}.",
        packages,
    )


def conda_packages(prefix: Path) -> Iterator[Package]:
    """Yield the packages in conda's records."""
    for path in sorted((prefix / "conda-meta").glob("*.json")):
        record: _Record = json.loads(path.read_text(encoding="utf-8"))
        channel = record.get("channel")
        if channel:
            channel = without_credentials(channel.encode()).decode()
        yield Package(record["name"], record["version"], record.get("build"), channel)
