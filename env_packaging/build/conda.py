"""The members of a conda environment, by what conda-pack knows of such environments.

conda-pack says which files belong to the environment and which are only beside it (the package
cache and other environments in a base prefix). The files themselves are read from the prefix, as
they are run there: neither a pruned package cache nor a local change makes a difference between the
environment that works here and the one that is packed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conda_pack import CondaEnv, CondaPackException

from env_packaging.build.members import Listing
from env_packaging.build.prefix import Prefix
from env_packaging.errors import PrefixError
from env_packaging.manifest import Finding, Package


def list_conda(prefix: Prefix) -> Listing:
    """List the environment's files. Those that conda's records name and that are gone or were
    moved by another tool are a finding. Raises PrefixError where the records can't be read."""
    listing = Listing()
    roots = prefix.embedded_paths
    for name in sorted(_targets(prefix, listing)):
        if "__pycache__" not in name.split("/"):
            listing.take(name, prefix.path / name, roots)  # an empty folder, too, is named here
    return listing


def _targets(prefix: Prefix, listing: Listing) -> set[str]:
    # Editable installs are looked for in every kind of prefix, elsewhere.
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
        # Records are JSON written by other tools: what is missing in one shows as a KeyError.
        raise PrefixError(
            f"The conda records of {prefix.path} can't be read: {type(error).__name__}: {error}"
        ) from error
    return {file.target for file in environment}


def _clobbered(message: str) -> Finding:
    packages = tuple(
        line.removeprefix("- ").rstrip(":")
        for line in message.splitlines()
        if line.startswith("- ")
    )
    return Finding(
        "warning",
        "clobbered",
        "Files that conda installed were deleted or replaced by another tool, such as pip; the "
        f"environment is packed as it is. Packages: {', '.join(packages)}.",
        packages,
    )


def conda_packages(prefix: Path) -> Iterator[Package]:
    """Yield the packages that conda's records name."""
    for record in sorted((prefix / "conda-meta").glob("*.json")):
        values: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        yield Package(values["name"], values["version"], values.get("build"), values.get("channel"))
