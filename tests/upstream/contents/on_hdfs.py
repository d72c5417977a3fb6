"""What upstream's tests need to run on HDFS instead of a local disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from hadoop_client.hdfs.filesystem import FileSystem
from hadoop_client.hdfs.paths import join, parent


@dataclass(frozen=True)
class HDFSPath:
    """HDFS as far as the tests use a `pathlib.Path` to set files up and to look at them."""

    fs: FileSystem
    path: str

    def __truediv__(self, name: str) -> HDFSPath:
        return HDFSPath(self.fs, join(self.path, name)) if name else self

    def joinpath(self, *names: str) -> HDFSPath:
        return HDFSPath(self.fs, "/".join([self.path, *names]))

    def __str__(self) -> str:
        return self.path

    def is_file(self) -> bool:
        return self.fs.exists(self.path) and not self.fs.stat(self.path).is_dir

    def is_dir(self) -> bool:
        return self.fs.exists(self.path) and self.fs.stat(self.path).is_dir

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:
        self.fs.mkdirs(self.path)

    def write_bytes(self, data: bytes) -> None:
        self.fs.mkdirs(parent(self.path))
        if self.is_file():
            self.fs.delete(self.path)
        with self.fs.open_write(self.path) as file:
            file.write(data)

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        self.write_bytes(text.encode(encoding))

    def relative_to(self, other: HDFSPath) -> str:
        return self.path.removeprefix(other.path).lstrip("/")


def adopted(upstream: ModuleType, *, without: Mapping[str, str]) -> dict[str, Any]:
    """Return all that a module defines but the tests named in `without`, each with the reason why
    it can't be held to HDFS. One that upstream doesn't have any more is an error."""
    unknown = set(without) - set(vars(upstream))
    assert not unknown, f"{upstream.__name__} has no {unknown}"
    return {
        name: value
        for name, value in vars(upstream).items()
        if not name.startswith("__") and name not in without
    }


def keys_without_size(model: Mapping[str, object]) -> set[str]:
    """Replace `set` in modules that compare all keys of a checkpoint: here it has a size too."""
    return set(model) - {"size"}
