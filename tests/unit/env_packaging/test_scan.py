from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from env_packaging.build.fingerprint import fingerprint
from env_packaging.build.prefix import open_prefix
from env_packaging.build.progress import NoProgress
from env_packaging.build.prune import Preset, reason_to_prune
from env_packaging.errors import PrefixError
from env_packaging.pack import PackOptions, pack_and_publish
from env_packaging.registry import resolve
from env_packaging.verify import verify
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import (
    LIBRARY,
    make_venv,
    packages_of,
    run_in,
    unpack,
    write,
)

ROOT = "/apps/envs"


class Phases(NoProgress):
    """Records the names of the phases."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def begin(self, phase: str, files: int, size_bytes: int) -> None:
        self.names.append(phase)


@pytest.fixture
def phases_of(venv: Path, filesystem: LocalFileSystem) -> Callable[[], list[str]]:
    """Pack the venv, and return the phases."""

    def pack() -> list[str]:
        phases = Phases()
        pack_and_publish(venv, "science", filesystem, ROOT, progress=phases)
        return phases.names

    return pack


def test_an_untouched_prefix_is_not_read(phases_of: Callable[[], list[str]]) -> None:
    assert phases_of() == ["Reading", "Packing"]
    assert phases_of() == []


def change_content_only(file: Path) -> None:
    """Change one byte, and restore the modification time."""
    before = file.stat()
    file.write_bytes(file.read_bytes()[:-1] + b"#")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize(
    "change",
    [
        change_content_only,
        lambda file: file.chmod(0o755),
        lambda file: file.with_name("added.py").touch(),
        lambda file: file.unlink(),
        lambda file: write(file.parents[3] / "envs" / "more", "of a venv"),
    ],
    ids=["content", "mode", "added", "removed", "in a directory that conda skips"],
)
def test_a_change_of_any_kind_is_packed(
    change: Callable[[Path], None], venv: Path, phases_of: Callable[[], list[str]]
) -> None:
    phases_of()
    change(packages_of(venv) / "demo.py")
    assert phases_of() == ["Reading", "Packing"]


def test_a_touched_but_unchanged_prefix_is_read_once_and_not_uploaded(
    venv: Path, phases_of: Callable[[], list[str]]
) -> None:
    phases_of()
    (packages_of(venv) / "demo.py").touch()
    assert phases_of() == ["Reading"]
    assert phases_of() == []


@pytest.mark.parametrize("suffix", [".tar.gz", ".json", ""])
def test_a_damaged_environment_is_packed_again(
    suffix: str,
    phases_of: Callable[[], list[str]],
    filesystem: LocalFileSystem,
) -> None:
    phases_of()
    directory = filesystem.at(f"{ROOT}/science")
    damaged = next(directory.glob(f"*{suffix}")) if suffix else directory / "latest"
    damaged.write_bytes(b"{")
    assert phases_of()[0] == "Reading"
    assert verify(filesystem, resolve(filesystem, ROOT, "science")) == []


PACKAGES = f"{LIBRARY}/site-packages"


@pytest.mark.parametrize(
    ("preset", "pruned", "kept"),
    [
        (Preset.TESTS, f"{PACKAGES}/demo/tests/test_x.py", f"{PACKAGES}/numpy/testing/__init__.py"),
        (Preset.TESTS, f"{PACKAGES}/demo/test/data.csv", f"{LIBRARY}/unittest/case.py"),
        (Preset.DOCS, "share/man/man1/x.1", f"{PACKAGES}/demo/docs/template.txt"),
        (Preset.BUILD, "include/python3.11/Python.h", f"{PACKAGES}/demo/core.so"),
        (Preset.BUILD, f"{PACKAGES}/numpy/core.pxd", "share/cmake.txt"),
        (Preset.TYPES, f"{PACKAGES}/demo/core.pyi", f"{PACKAGES}/demo/core.py"),
        (Preset.MAPS, "share/jupyter/lab/static/1.js.map", "share/jupyter/lab/static/1.js"),
    ],
)
def test_a_preset_leaves_out_its_files_and_no_others(
    preset: Preset, pruned: str, kept: str
) -> None:
    assert reason_to_prune(pruned, [preset])
    assert reason_to_prune(kept, list(Preset)) is None
    assert reason_to_prune(pruned, []) is None


def test_pruned_files_are_in_the_manifest_with_their_size(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    write(packages_of(venv) / "demo_more/tests/test_demo.py", "x" * 100)
    write(packages_of(venv) / "demo_more/__init__.py", "")
    options = PackOptions(prune=(Preset.TESTS,))
    packed = pack_and_publish(venv, "science", filesystem, ROOT, options=options)
    saved = {rule.what: (rule.files, rule.size_bytes) for rule in packed.manifest.left_out}
    assert saved["packages' own tests (--prune tests)"] == (1, 100)
    whole = pack_and_publish(venv, "science", filesystem, ROOT)
    assert whole.key != packed.key
    assert whole.manifest.files > packed.manifest.files


def test_a_venv_is_packed_without_a_python_that_every_node_has(
    venv: Path, filesystem: LocalFileSystem, tmp_path: Path
) -> None:
    options = PackOptions(assume_base=True)
    packed = pack_and_publish(venv, "science", filesystem, ROOT, options=options)
    assert packed.manifest.files < 50
    assert "assumed-base" in {finding.code for finding in packed.manifest.findings}
    assert verify(filesystem, packed) == []
    venv.rename(tmp_path / "moved away")
    environment = unpack(filesystem.at(packed.path), tmp_path / "environment")
    script = "import demo, sqlite3, sys; print(sys.prefix, demo.value)"
    assert run_in(environment, "-c", script) == f"{environment} 42"


def test_only_a_venv_can_be_packed_without_its_python(shared_python: Path) -> None:
    with pytest.raises(PrefixError, match="--assume-base is for a venv"):
        open_prefix(shared_python, assume_base=True)


def test_a_venv_without_packages_is_refused_without_force(
    shared_python: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    empty = make_venv(shared_python, tmp_path / "empty")
    with pytest.raises(PrefixError, match=r"venv without packages\. Install .* or use --force"):
        pack_and_publish(empty, "science", filesystem, ROOT)
    assert filesystem.files() == []
    assert pack_and_publish(
        empty, "science", filesystem, ROOT, options=PackOptions(force=True)
    ).uploaded


def test_an_unreadable_directory_is_reported(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(directory: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", directory)

    prefix = open_prefix(venv)
    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(PrefixError, match=r"venv cannot be read: Permission denied"):
        fingerprint(prefix, "")
