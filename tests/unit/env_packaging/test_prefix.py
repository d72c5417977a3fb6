from __future__ import annotations

from pathlib import Path

import pytest

from env_packaging.build.prefix import Prefix, PrefixKind, ask_interpreter, kind_of, open_prefix
from env_packaging.errors import PrefixError
from tests.unit.env_packaging.prefixes import PROGRAM, make_conda, make_venv, write


def test_a_complete_python_is_recognized(shared_python: Path) -> None:
    prefix = open_prefix(shared_python)
    assert prefix.kind is PrefixKind.CPYTHON
    assert prefix.base is None
    assert prefix.interpreter.program == PROGRAM
    assert prefix.interpreter.prefix == shared_python


def test_a_venv_is_recognized_with_its_base(venv: Path, shared_python: Path) -> None:
    prefix = open_prefix(venv)
    assert prefix.kind is PrefixKind.VENV
    assert prefix.base is not None
    assert prefix.base.kind is PrefixKind.CPYTHON
    assert prefix.base.path == shared_python


def test_a_venv_of_a_venv_has_the_first_ones_base(venv: Path, tmp_path: Path) -> None:
    second = make_venv(venv, tmp_path / "second")
    base = open_prefix(second).base
    first_base = open_prefix(venv).base
    assert base is not None
    assert first_base is not None
    assert base.path == first_base.path


def test_a_conda_environment_is_recognized_by_its_records(
    shared_python: Path, tmp_path: Path
) -> None:
    assert open_prefix(make_conda(shared_python, tmp_path / "conda")).kind is PrefixKind.CONDA


def test_a_relative_path_and_a_link_are_the_same_prefix(
    shared_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(shared_python)
    monkeypatch.chdir(tmp_path)
    prefix = open_prefix(Path("link"))
    assert prefix.path == tmp_path / "link"
    assert set(prefix.embedded_paths) == {str(tmp_path / "link"), str(shared_python)}


def test_the_system_s_path_is_never_looked_for_in_files(venv: Path, shared_python: Path) -> None:
    base = Prefix(Path("/usr"), PrefixKind.CPYTHON, ask_interpreter(shared_python / "bin/python3"))
    assert Prefix(venv, PrefixKind.VENV, base.interpreter, base).embedded_paths == (str(venv),)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "missing", "is not a directory. Give the prefix"),
        (lambda path: path, "is neither a conda environment, nor a venv, nor a complete Python"),
        (lambda path: Path("/usr"), "holds the operating system too"),
    ],
)
def test_a_directory_that_is_not_a_prefix_is_refused(make, message: str, tmp_path: Path) -> None:
    if kind_of(make(tmp_path)) is None and "operating system" in message:
        message = "is neither a conda environment"  # a machine without Python in /usr
    with pytest.raises(PrefixError, match=message):
        open_prefix(make(tmp_path))


def test_a_conda_environment_without_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    with pytest.raises(PrefixError, match=r"has no interpreter in bin .* Install Python"):
        open_prefix(tmp_path)


def test_an_interpreter_that_does_not_run_is_refused_with_its_error(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    write(tmp_path / "bin" / "python", "#!/bin/sh\necho no such library >&2\nexit 127\n", 0o755)
    with pytest.raises(PrefixError, match="does not run: no such library"):
        open_prefix(tmp_path)


def test_an_interpreter_of_another_prefix_is_refused(shared_python: Path, tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(shared_python / "bin" / PROGRAM)
    with pytest.raises(PrefixError, match=f"belongs to {shared_python}, not to {tmp_path}"):
        open_prefix(tmp_path)
