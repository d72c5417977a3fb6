"""Paths of the contents API, and where they are in HDFS. Pure functions.

An API path is `/`-separated and relative to the root; slashes around it don't count, and `""` is
the root itself. What these functions promise:

- `to_hdfs` gives a path below the root or raises; no part of a path leads out of it.
- Nothing reaches HDFS under a name that another program would read as another name.
"""

from __future__ import annotations

from urllib.parse import unquote

CHECKPOINT_DIR = ".ipynb_checkpoints"


class InvalidPathError(ValueError):
    """A path that no file can have here; its text is a sentence for a person."""


class OutsideRootError(InvalidPathError):
    """A path that would lead out of the root."""


def to_hdfs(root: str, api_path: str) -> str:
    """Return where `api_path` is in HDFS. `root` is normalized."""
    path = api_path.strip("/")
    if not path:
        return root
    for name in path.split("/"):
        _check_name(name, api_path)
    return f"{root.rstrip('/')}/{path}"


def _check_name(name: str, path: str) -> None:
    if name in (".", "..") or unquote(name) in (".", ".."):
        raise OutsideRootError(f"{path!r} is not below the directory of notebooks")
    if not name:
        raise InvalidPathError(f"{path!r} has an empty name in it")
    for character, what in (("\0", "a NUL character"), ("\\", "a backslash"), (":", "a colon")):
        if character in name:
            raise InvalidPathError(f"{path!r} has {what} in it, which no name in HDFS may have")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidPathError(f"{path!r} is not valid Unicode") from None


def normalize_root(root: str) -> str:
    """Return the root directory as HDFS writes it; InvalidPathError if it is no absolute path."""
    if not root.startswith("/"):
        raise InvalidPathError(f"{root!r} is not an absolute path in HDFS, such as /user/alice")
    names = [name for name in root.split("/") if name]
    for name in names:
        _check_name(name, root)
    return "/" + "/".join(names)


def is_hidden(api_path: str) -> bool:
    """Tell whether the file or a directory around it, below the root, has a hidden name."""
    return any(name.startswith(".") for name in api_path.strip("/").split("/"))
