from __future__ import annotations

import importlib.util
import marshal
import os
import py_compile
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from env_packaging.build import bytecode
from env_packaging.build.bytecode import BytecodeCompiler, bytecode_members
from env_packaging.build.members import Member, MemberKind
from env_packaging.build.prefix import Interpreter, ask_interpreter
from env_packaging.errors import PrefixError
from tests.unit.env_packaging.kinds import OTHERS
from tests.unit.env_packaging.prefixes import LIBRARY, write

UNCHECKED_HASH = b"\1\0\0\0"


@pytest.fixture(scope="module")
def interpreter() -> Interpreter:
    return ask_interpreter(Path(sys.executable))


@pytest.fixture
def compiler(interpreter: Interpreter) -> Iterator[BytecodeCompiler]:
    with BytecodeCompiler(interpreter) as made:
        yield made


def bytecode_of(source: Path, name: str = f"{LIBRARY}/x.py") -> Member:
    return Member("unused", source, MemberKind.BYTECODE, target=name)


def run(data: bytes) -> dict[str, object]:
    namespace: dict[str, object] = {}
    exec(marshal.loads(data[16:]), namespace)
    return namespace


def test_python_files_of_the_library_and_no_others_have_bytecode(interpreter: Interpreter) -> None:
    compiled = ["lib/python3.11/a.b.py", "lib64/python3.11/p/__init__.py", "lib/python3/d/e.py"]
    others = ["lib/python3.11/x.so", "bin/x.py", "share/lib/python3.11/x.py"]
    members = [Member(name, Path(name)) for name in compiled + others]
    found = list(bytecode_members(members, interpreter))
    tag = interpreter.cache_tag
    assert [member.name for member in found] == [
        f"lib/python3.11/__pycache__/a.b.{tag}.pyc",
        f"lib64/python3.11/p/__pycache__/__init__.{tag}.pyc",
        f"lib/python3/d/__pycache__/e.{tag}.pyc",
    ]
    assert [member.target for member in found] == compiled


def test_bytecode_is_of_the_kind_that_python_does_not_check(
    compiler: BytecodeCompiler, tmp_path: Path
) -> None:
    source = write(tmp_path / "x.py", "value = 6 * 7\n")
    (data,) = compiler.compile_all([bytecode_of(source)])
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert data[4:8] == UNCHECKED_HASH
    assert data[8:16] == importlib.util.source_hash(source.read_bytes())
    assert run(data)["value"] == 42


def test_compiled_files_contain_the_path_in_the_archive_only(
    compiler: BytecodeCompiler, tmp_path: Path
) -> None:
    source = write(tmp_path / "x.py", "value = 1\n")
    (data,) = compiler.compile_all([bytecode_of(source, f"{LIBRARY}/x.py")])
    assert marshal.loads(data[16:]).co_filename == f"{LIBRARY}/x.py"
    assert str(tmp_path).encode() not in data


@pytest.mark.parametrize(
    "mode",
    [py_compile.PycInvalidationMode.TIMESTAMP, py_compile.PycInvalidationMode.UNCHECKED_HASH],
)
def test_valid_bytecode_in_the_prefix_is_reused(
    mode: py_compile.PycInvalidationMode, compiler: BytecodeCompiler, tmp_path: Path
) -> None:
    source = write(tmp_path / "x.py", "value = 1\n")
    py_compile.compile(str(source), dfile="told-apart", invalidation_mode=mode)
    (data,) = compiler.compile_all([bytecode_of(source)])
    assert data[4:8] == UNCHECKED_HASH
    assert marshal.loads(data[16:]).co_filename == "told-apart"


def test_bytecode_of_an_older_source_is_not_used(
    compiler: BytecodeCompiler, tmp_path: Path
) -> None:
    source = write(tmp_path / "x.py", "value = 1\n")
    py_compile.compile(str(source))
    write(source, "value = 2\n")
    os.utime(source, (1, 1))
    (data,) = compiler.compile_all([bytecode_of(source)])
    assert run(data)["value"] == 2


@pytest.mark.parametrize("damage", [b"", b"\0" * 20])
def test_damaged_bytecode_is_not_used(
    damage: bytes, compiler: BytecodeCompiler, tmp_path: Path
) -> None:
    source = write(tmp_path / "x.py", "value = 1\n")
    Path(py_compile.compile(str(source))).write_bytes(damage)
    (data,) = compiler.compile_all([bytecode_of(source)])
    assert run(data)["value"] == 1


def test_responses_are_in_the_order_of_the_requests(
    compiler: BytecodeCompiler, tmp_path: Path
) -> None:
    sources = [write(tmp_path / f"m{i}.py", f"value = {i}\n" * (i % 7 + 1)) for i in range(100)]
    answers = compiler.compile_all(map(bytecode_of, sources))
    assert [run(data)["value"] for data in answers] == list(range(100))


def test_a_file_that_cannot_be_compiled_has_no_bytecode_and_the_next_one_has(
    compiler: BytecodeCompiler, tmp_path: Path
) -> None:
    members = [
        bytecode_of(write(tmp_path / "template.py", "{{ name }} = \n")),
        bytecode_of(write(tmp_path / "null.py", "a = '\0'\n")),
        bytecode_of(tmp_path / "gone.py"),
        bytecode_of(write(tmp_path / "line\nbreak é.py", "value = 'é'\n")),
    ]
    *none, last = compiler.compile_all(members)
    assert none == [b"", b"", b""]
    assert run(last)["value"] == "é"


def test_a_killed_interpreter_is_reported(interpreter: Interpreter, tmp_path: Path) -> None:
    source = write(tmp_path / "x.py", "value = 1\n")
    with BytecodeCompiler(interpreter) as compiler:
        answers = compiler.compile_all(bytecode_of(source) for _ in range(1000))
        next(answers)
        for worker in compiler._workers:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        with pytest.raises(PrefixError, match="exited while compiling"):
            list(answers)


def test_no_worker_is_left_running(interpreter: Interpreter, tmp_path: Path) -> None:
    source = write(tmp_path / "x.py", "value = 1\n")
    with BytecodeCompiler(interpreter) as compiler:
        next(compiler.compile_all(bytecode_of(source) for _ in range(1000)))
        workers = list(compiler._workers)
    assert workers
    assert all(worker.returncode is not None for worker in workers)


def test_the_order_of_a_set_of_constants_is_always_the_same(
    interpreter: Interpreter, tmp_path: Path
):
    write(tmp_path / "x.py", "def f(x): return x in {'one', 'two', 'three', 'four', 'five'}\n")
    source = bytecode_of(tmp_path / "x.py")
    made = set()
    for _ in range(4):
        with BytecodeCompiler(interpreter) as compiler:
            made |= set(compiler.compile_all([source]))
    assert len(made) == 1


@pytest.mark.parametrize("python", [Path(sys.executable), *OTHERS])
def test_bytecode_is_the_same_whatever_was_compiled_before(python: Path, tmp_path: Path) -> None:
    # To read this, Python imports a module with names that the next file has too.
    write(tmp_path / "before.py", "# coding: iso8859-15\n")
    write(tmp_path / "x.py", "import a\na.decoding_table\na.getregentry\n")
    before, source = (bytecode_of(tmp_path / name) for name in ("before.py", "x.py"))
    interpreter = ask_interpreter(python)
    with BytecodeCompiler(interpreter) as compiler:
        (alone,) = compiler.compile_all([source])
    with BytecodeCompiler(interpreter) as compiler:
        _, after = compiler.compile_all([before, source])
    assert after == alone


def test_no_module_beside_the_compiler_hides_one_that_it_needs():
    beside = {file.stem for file in Path(bytecode.__file__).parent.glob("*.py")}
    assert beside & sys.stdlib_module_names == set()
