"""`install` of the archive that scripts/bundle makes. tests/release installs a real one."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INSTALL = Path(__file__).parents[2] / "scripts" / "install_bundle"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """An archive for this machine whose pip is damaged."""
    directory = tmp_path / "bundle"
    (directory / "wheels").mkdir(parents=True)
    shutil.copy(INSTALL, directory / "install")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (directory / "target").write_text(
        f"wanted_python={version}\nwanted_glibc=2.17\nwanted_arch={platform.machine()}\n"
    )
    (directory / "wheels/pip-1.0-py3-none-any.whl").write_text("damaged")
    sums = subprocess.check_output(["sha256sum", "target"], cwd=directory)
    (directory / "SHA256SUMS").write_bytes(sums)
    return directory


def install(bundle: Path, directory: str) -> str:
    done = subprocess.run(
        ["sh", bundle / "install", directory, sys.executable],
        cwd=bundle.parent,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert done.returncode != 0
    return done.stderr


def test_a_failed_installation_can_be_tried_again(bundle: Path) -> None:
    for _ in range(2):
        assert "pip-1.0" in install(bundle, "yarnhub")
        assert not (bundle.parent / "yarnhub").exists()


def test_a_module_in_the_callers_directory_does_not_run(bundle: Path) -> None:
    for name in ("venv", "os", "runpy"):
        (bundle.parent / f"{name}.py").write_text("open('ran', 'a').close()\n")
    assert "pip-1.0" in install(bundle, "yarnhub")
    assert not (bundle.parent / "ran").exists()


def test_a_failed_installation_keeps_a_directory_that_existed(bundle: Path) -> None:
    directory = bundle.parent / "yarnhub"
    directory.mkdir(mode=0o750)
    for _ in range(2):
        assert "pip-1.0" in install(bundle, str(directory))
        assert list(directory.iterdir()) == []
    assert directory.stat().st_mode & 0o777 == 0o750


def test_files_that_were_there_before_stay(bundle: Path) -> None:
    directory = bundle.parent / "yarnhub"
    directory.mkdir()
    (directory / "file").touch()
    assert "is not empty: name a new directory." in install(bundle, str(directory))
    assert [path.name for path in directory.iterdir()] == ["file"]
