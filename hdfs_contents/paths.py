"""Converts paths of the contents API to paths in HDFS. Pure functions.

An API path is `/`-separated and relative to the root. Leading and trailing slashes are ignored, and
`""` is the root. Guarantees:

- `to_hdfs` returns a path below the root, or raises. No part of an API path leads out of the root.
- No name reaches HDFS that another program would read as a different name.
"""

from __future__ import annotations

from urllib.parse import unquote

#: The hidden directory with the checkpoints of the files beside it, as on a local disk.
CHECKPOINT_DIR = ".ipynb_checkpoints"

_FORBIDDEN = (("\0", "a NUL character"), ("\\", "a backslash"), (":", "a colon"))


class InvalidPathError(ValueError):
    """A path that is not valid. The text is shown to the user."""


class OutsideRootError(InvalidPathError):
    """A path that leads out of the root."""


def to_hdfs(root: str, api_path: str) -> str:
    """Return the path in HDFS. `root` must be normalized."""
    path = api_path.strip("/")
    if not path:
        return root
    for name in path.split("/"):
        _check_name(name, api_path)
    return f"{root.rstrip('/')}/{path}"


def _check_name(name: str, path: str) -> None:
    if name in (".", "..") or unquote(name) in (".", ".."):
        raise OutsideRootError(f"{path!r} is outside the root directory")
    if not name:
        raise InvalidPathError(f"{path!r} contains an empty name")
    for character, description in _FORBIDDEN:
        if character in name:
            raise InvalidPathError(
                f"{path!r} contains {description}, which HDFS does not allow in names"
            )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidPathError(f"{path!r} is not valid Unicode") from None


def normalize_root(root: str) -> str:
    """Return the root directory as HDFS writes it; InvalidPathError if it is not an absolute
    path."""
    if not root.startswith("/"):
        raise InvalidPathError(f"{root!r} is not an absolute path in HDFS, such as /user/alice")
    names = [name for name in root.split("/") if name]
    for name in names:
        if name in (".", ".."):
            raise InvalidPathError(f"{root!r} contains {name!r}")
        _check_name(name, root)
    return "/" + "/".join(names)


def is_hidden(api_path: str) -> bool:
    """Check whether the name of the file, or of a directory above it, begins with a dot."""
    return any(name.startswith(".") for name in api_path.strip("/").split("/"))
