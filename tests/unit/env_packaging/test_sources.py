from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from env_packaging.build.prefix import PrefixKind, kind_of
from env_packaging.build.sources import prefix_of
from env_packaging.errors import MissingPackageError, PrefixError
from tests.unit.env_packaging.prefixes import packages_of, write


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    """A requirements.txt with a local wheel."""
    wheel = tmp_path / "demo-1.0-py3-none-any.whl"
    info = "demo-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("demo.py", "value = 42\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")
    return write(tmp_path / "requirements.txt", f"{wheel}\n")


def only_programs(monkeypatch: pytest.MonkeyPatch, directory: Path, **scripts: str) -> None:
    """Replace PATH by a directory with these programs only."""
    directory.mkdir()
    for name, script in scripts.items():
        write(directory / name, script, 0o755)
    monkeypatch.setenv("PATH", str(directory))


def test_a_prefix_is_its_own_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with prefix_of(str(tmp_path)) as prefix:
        assert prefix == tmp_path
    with prefix_of("/no/such/prefix") as prefix:  # opening it fails later
        assert prefix == Path("/no/such/prefix")
    (tmp_path / "lab").mkdir()
    monkeypatch.chdir(tmp_path)
    with prefix_of("lab") as prefix:
        assert prefix == Path("lab")


def test_requirements_are_built_with_pip_and_deleted_afterwards(
    requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_programs(monkeypatch, tmp_path / "bin")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with prefix_of(str(requirements)) as prefix:
        assert kind_of(prefix) is PrefixKind.VENV
        assert (packages_of(prefix) / "demo.py").exists()
    assert not prefix.parent.exists()


def test_requirements_are_built_in_a_kernel_whose_pip_installs_for_the_user(
    requirements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As kernels of a server that keeps the user's packages. pip refuses this in a venv."""
    only_programs(monkeypatch, tmp_path / "bin")
    for name, value in (
        ("PIP_NO_INDEX", "1"),
        ("PIP_USER", "1"),
        ("PYTHONUSERBASE", str(tmp_path / "user")),
    ):
        monkeypatch.setenv(name, value)
    with prefix_of(str(requirements)) as prefix:
        assert (packages_of(prefix) / "demo.py").exists()
    assert not (tmp_path / "user").exists()


def test_a_failed_build_is_reported_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_programs(monkeypatch, tmp_path / "bin")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    wanted = write(tmp_path / "requirements.txt", "no-such-package-anywhere\n")
    with pytest.raises(PrefixError, match="could not be built"), prefix_of(str(wanted)):
        pass
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("program", ["conda", "mamba", "micromamba"])
def test_a_conda_environment_is_found_by_its_name(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = json.dumps({"envs": ["/opt/conda", "/opt/conda/envs/lab"]})
    script = f"#!/bin/sh\n[ \"$*\" = 'env list --json' ] && echo '{listed}'\n"
    only_programs(monkeypatch, tmp_path / "bin", **{program: script})
    with prefix_of("lab") as prefix:
        assert prefix == Path("/opt/conda/envs/lab")
    with pytest.raises(
        PrefixError, match="neither a directory nor a conda environment lap\\. Conda"
    ):
        prefix_of("lap").__enter__()


@pytest.mark.parametrize("answer", ["", "[]", '{"envs": 3}', "Traceback"])
def test_unreadable_output_of_conda_is_reported(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_programs(monkeypatch, tmp_path / "bin", conda=f"#!/bin/sh\necho '{answer}'\n")
    with pytest.raises(PrefixError, match="did not list its environments\\. Give the prefix"):
        prefix_of("lab").__enter__()


def test_missing_tools_are_reported_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_programs(monkeypatch, tmp_path / "bin")
    wanted = write(tmp_path / "environment.yml", "dependencies: [python]\n")
    for source in ("lab", str(wanted)):
        with pytest.raises(MissingPackageError, match="needs conda, mamba or micromamba"):
            prefix_of(source).__enter__()
    other = write(tmp_path / "environment.toml", "")
    with pytest.raises(PrefixError, match=r"Give a prefix, an environment.yml"):
        prefix_of(str(other)).__enter__()
