"""Commands of Python do the same without the working directory on the path."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.env_packaging.prefixes import write
from yarnspawner.launch.interpreter import without_directory

PRINT = "import sys; print(sys.argv[1:], __name__, sys.flags.optimize)"

#: Options of the interpreter before a module.
OPTIONS = (
    [],
    ["-Xfrozen_modules=off"],
    ["-X", "frozen_modules=off", "-W", "ignore"],
    ["-sO"],
    ["-O", "-Wignore"],
    ["--check-hash-based-pycs", "never"],
    ["-s", "--check-hash-based-pycs", "default", "-O"],
)


@pytest.mark.parametrize(
    "argv",
    [
        ["/opt/julia", "-i", "kernel.jl"],
        ["python", "kernel.py"],
        ["python", "-O", "kernel.py", "-m", "module"],
        ["python", "--version"],
        ["python", "-", "-m", "module"],
        ["Rscript", "-m", "ipykernel"],
        ["python3", "-m"],
        ["python3", "-X"],
        ["python3", "--check-hash-based-pycs"],
        ["python3", "--check-hash-based-pycs", "never"],
        ["python3", "--check-hash-based-pycs", "never", "kernel.py", "-m", "module"],
        [],
    ],
)
def test_other_commands_stay(argv: list[str]) -> None:
    assert without_directory(argv) == argv


@pytest.mark.parametrize("python", ["python", "/env/bin/python3", "/usr/bin/python3.13t"])
def test_the_interpreter_stays(python: str) -> None:
    assert without_directory([python, "-m", "module"])[0] == python


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
@pytest.mark.parametrize("form", ["module", "attached", "code"])
def test_a_program_gets_its_arguments_and_nothing_beside_it_runs(
    options: list[str], form: str, tmp_path: Path
) -> None:
    write(tmp_path / "lib" / "this_module.py", PRINT)
    for name in ("this_module.py", "runpy.py", "importlib.py", "beside.py"):
        write(tmp_path / "here" / name, "open('planted', 'w').close()")
    code = f"from __future__ import annotations\n{PRINT}\nimport importlib\n"
    run = {"module": ["-m", "this_module"], "attached": ["-mthis_module"], "code": ["-c", code]}
    command = without_directory(["python", *options, *run[form], "-f", "a b", "-m"])
    done = subprocess.run(
        [sys.executable, *command[1:]],
        cwd=tmp_path / "here",
        env={"PYTHONPATH": f"{tmp_path / 'lib'}:"},
        capture_output=True,
        text=True,
        check=True,
    )
    optimized = int(any(option in ("-O", "-sO") for option in options))
    assert done.stdout == f"['-f', 'a b', '-m'] __main__ {optimized}\n"
    assert not (tmp_path / "here" / "planted").exists()


@given(st.lists(st.text(max_size=5) | st.from_regex(r"-[a-zA-Z]{1,3}", fullmatch=True)))
def test_any_arguments_are_taken(arguments: list[str]) -> None:
    changed = without_directory(["python", *arguments])
    assert changed == ["python", *arguments] or "-c" in changed
