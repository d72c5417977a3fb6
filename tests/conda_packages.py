"""Real conda environments without a channel: packages are made of what is on this machine.

- A Python, with a search path relative to it, as conda builds it; each distribution that pip has
  installed here: noarch with its commands where it is pure, for this platform else.
- What names its own prefix does so by a long placeholder, in text and in binaries, which the
  installer replaces.
- Installed by rattler, which is what pixi installs with: records, links and commands are its.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
import shutil
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

import pyarrow
import rattler
from rattler.index import index_fs

from env_packaging.build.relocate import PrefixPaths, relocate
from tests.hadoop.env_tools import copy_quickly

#: As conda-build's: long enough for each prefix that replaces it in a binary.
PLACEHOLDER = "/opt/conda_build/_h_env" + "_placehold" * 22

PROGRAM = f"python{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = f"lib/{PROGRAM}/site-packages"
SUBDIR = rattler.Subdir.current()

#: A larger file is data: the prefix is not looked for in it.
_LARGE_BYTES = 4 << 20

#: Parts of the library that conda's own package doesn't have either.
_NOT_PACKAGED = ("test", "idlelib", "turtledemo", "tkinter", "site-packages", "dist-packages")


@dataclass(frozen=True)
class Package:
    """What a package is called and needs. `noarch` with `entry_points` (`NAME = MODULE:FUNCTION`)
    is one of Python files only."""

    name: str
    version: str
    depends: tuple[str, ...] = ()
    noarch: bool = False
    entry_points: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        return f"{self.name}-{self.version}-{self.build}"

    @property
    def build(self) -> str:
        return "pyhd_0" if self.noarch else "h0_0"

    @property
    def subdir(self) -> str:
        return "noarch" if self.noarch else str(SUBDIR)


def add_package(channel: Path, package: Package, tree: Path) -> None:
    """Put a package of the files in `tree` into a channel, which is a folder."""
    files = sorted(
        each.relative_to(tree).as_posix()
        for each in tree.rglob("*")
        if each.is_symlink() or not each.is_dir()
    )
    index = {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": 0,
        "depends": list(package.depends),
        "subdir": package.subdir,
        "license": "none",
        "timestamp": 1_700_000_000_000,
    }
    if package.noarch:
        index["noarch"] = "python"
    if package.name == "python":
        index["python_site_packages_path"] = PACKAGES
    info = {
        "index.json": index,
        "paths.json": {"paths_version": 1, "paths": [_path_entry(tree, each) for each in files]},
        "about.json": {"summary": "made for a test"},
    }
    if package.noarch:
        noarch = {"type": "python", "entry_points": list(package.entry_points)}
        info["link.json"] = {"noarch": noarch, "package_metadata_version": 1}
    (tree / "info").mkdir()
    for name, value in info.items():
        (tree / "info" / name).write_text(json.dumps(value))
    (tree / "info" / "files").write_text("".join(f"{each}\n" for each in files))
    folder = channel / package.subdir
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{package.stem}.conda", "w") as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        for part, names in (("info", ["info"]), ("pkg", files)):
            with (
                archive.open(f"{part}-{package.stem}.tar.zst", "w", force_zip64=True) as file,
                # Much faster than the bz2 of older packages.
                pyarrow.CompressedOutputStream(file, "zstd") as stream,
                tarfile.open(fileobj=stream, mode="w|") as tar,
            ):
                for name in names:
                    tar.add(tree / name, name, recursive=part == "info")


def _path_entry(tree: Path, name: str) -> dict[str, object]:
    path = tree / name
    if path.is_symlink():
        empty = hashlib.sha256().hexdigest()
        return {"_path": name, "path_type": "softlink", "sha256": empty, "size_in_bytes": 0}
    data = path.read_bytes()
    entry: dict[str, object] = {
        "_path": name,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_in_bytes": len(data),
    }
    if PLACEHOLDER.encode() in data:
        entry["prefix_placeholder"] = PLACEHOLDER
        entry["file_mode"] = "binary" if b"\0" in data else "text"
    return entry


def add_python(channel: Path) -> None:
    """Package the Python that the running one is of."""
    base = Path(sys.base_prefix)
    with _tree() as tree:
        skipped = shutil.ignore_patterns(*_NOT_PACKAGED, "__pycache__", "config-*", "_tkinter*")
        library = tree / "lib" / PROGRAM
        stdlib = Path(sysconfig.get_path("stdlib"))
        shutil.copytree(
            stdlib, library, symlinks=True, ignore=skipped, ignore_dangling_symlinks=True
        )
        (library / "site-packages").mkdir()
        (library / "site-packages" / "README.txt").write_text("Packages are here.\n")
        for shared in base.glob("lib/libpython*.so*"):
            shutil.copy2(shared, tree / "lib" / shared.name, follow_symlinks=False)
        (tree / "bin").mkdir()
        program = Path(os.path.realpath(sys.executable))
        place = PrefixPaths((str(base),), PROGRAM)
        (tree / "bin" / PROGRAM).write_bytes(
            relocate(place.interpreter, program.read_bytes(), place)
        )
        (tree / "bin" / PROGRAM).chmod(0o755)
        for name in ("python", "python3"):
            (tree / "bin" / name).symlink_to(PROGRAM)
        for path in (each for each in tree.rglob("*") if each.is_file() and not each.is_symlink()):
            _name_placeholder(path, str(base))
        add_package(channel, Package("python", platform.python_version()), tree)


def add_distribution(channel: Path, distribution: Distribution, prefix: Path) -> None:
    """Package what pip has installed in a prefix."""
    name = distribution.metadata["Name"]
    pure = "Root-Is-Purelib: true" in (distribution.read_text("WHEEL") or "")
    commands = {
        each.name: each.value.partition("[")[0].strip()
        for each in distribution.entry_points.select(group="console_scripts")
    }
    with _tree() as tree:
        for file in distribution.files or ():
            source = Path(os.path.normpath(str(distribution.locate_file(file))))
            inside = source.relative_to(prefix).as_posix()
            if not source.is_file() or source.suffix == ".pyc":
                continue
            if pure and inside.startswith("bin/") and source.name in commands:
                continue  # the installer makes them
            target = tree / (_noarch_name(inside) if pure else inside)
            target.parent.mkdir(parents=True, exist_ok=True)
            copy_quickly(source, target)
            _name_placeholder(target, str(prefix))
        package = Package(
            _normal(name),
            distribution.version.replace("-", "_"),
            depends=("python >=3",) if pure else (f"python {PROGRAM.removeprefix('python')}.*",),
            noarch=pure,
            entry_points=tuple(f"{each} = {what}" for each, what in commands.items() if pure),
        )
        add_package(channel, package, tree)


def _noarch_name(inside: str) -> str:
    """Where a package that is good for each Python has a file: its installer puts it in place."""
    if inside.startswith(PACKAGES + "/"):
        return "site-packages/" + inside.removeprefix(PACKAGES + "/")
    if inside.startswith("bin/"):
        return "python-scripts/" + inside.removeprefix("bin/")
    return inside


def make_environment(channel: Path, prefix: Path, names: Iterable[str]) -> Path:
    """Make a conda environment of packages and what they need; returns its prefix."""
    asyncio.run(_install(channel, prefix, list(names)))
    (prefix / "conda-meta" / "history").touch()
    return prefix


async def _install(channel: Path, prefix: Path, names: list[str]) -> None:
    for subdir in ("noarch", str(SUBDIR)):
        (channel / subdir).mkdir(parents=True, exist_ok=True)
    await index_fs(channel, force=True)
    records = await rattler.solve([channel.as_uri()], names, platforms=[SUBDIR, "noarch"])
    with tempfile.TemporaryDirectory(dir=channel.parent) as cache:
        await rattler.install(records, prefix, cache_dir=Path(cache), show_progress=False)


def _name_placeholder(path: Path, prefix: str) -> None:
    """Let a text file name the placeholder where it names the prefix; others share the file."""
    if path.stat().st_size > _LARGE_BYTES:
        return
    data = path.read_bytes()
    if prefix.encode() in data and b"\0" not in data:
        mode = path.stat().st_mode
        path.unlink()
        path.write_bytes(data.replace(prefix.encode(), PLACEHOLDER.encode()))
        path.chmod(mode)


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


@contextmanager
def _tree() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="package-") as folder:
        yield Path(folder)
