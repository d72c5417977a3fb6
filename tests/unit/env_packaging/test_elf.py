from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from env_packaging.build.elf import SearchPath, read_dynamic, replace_search_path
from tests.unit.env_packaging.elf_files import DT_RPATH, DT_RUNPATH, make_elf


@pytest.mark.parametrize("tag", [DT_RPATH, DT_RUNPATH])
def test_needed_libraries_and_the_search_path_are_read(tag: int) -> None:
    dynamic = read_dynamic(make_elf(["libz.so.1", "libc.so.6"], "/opt/env/lib:/usr/lib", tag))
    assert dynamic is not None
    assert dynamic.needed == ("libz.so.1", "libc.so.6")
    assert [path.text for path in dynamic.search_paths] == ["/opt/env/lib:/usr/lib"]


def test_the_interpreter_that_runs_this_needs_what_the_dynamic_linker_loads() -> None:
    program = os.path.realpath(sys.executable)
    dynamic = read_dynamic(Path(program).read_bytes())
    loaded = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    assert dynamic is not None
    assert dynamic.needed
    for library in dynamic.needed:
        assert library in loaded


def test_the_glibc_that_a_program_needs_is_not_newer_than_the_one_that_runs_it() -> None:
    dynamic = read_dynamic(Path(os.path.realpath(sys.executable)).read_bytes())
    assert dynamic is not None
    running = tuple(map(int, platform.libc_ver(sys.executable)[1].split(".")[:2]))
    assert (2, 2) < dynamic.glibc <= running


@given(st.text("/abcé$ORIGIN:", min_size=1), st.text("/ab$ORIGIN.:", min_size=1))
def test_a_replaced_search_path_is_read_back(old: str, new: str) -> None:
    data = make_elf(["libz.so.1"], old)
    dynamic = read_dynamic(data)
    assert dynamic is not None
    replaced = replace_search_path(data, dynamic.search_paths[0], new)
    if len(new.encode()) > len(old.encode()):
        assert replaced is None
        return
    assert replaced is not None
    assert len(replaced) == len(data)
    after = read_dynamic(replaced)
    assert after is not None
    assert after.needed == dynamic.needed
    assert after.search_paths == (SearchPath(new, dynamic.search_paths[0].offset),)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_a_damaged_file_does_not_raise(noise: bytes, cut: int) -> None:
    whole = make_elf(["libz.so.1"], "/opt/env/lib")
    for data in (noise, b"\x7fELF" + noise, whole[:cut], whole[:cut] + noise):
        read_dynamic(data)


def test_a_static_or_32_bit_file_has_no_dynamic_section() -> None:
    whole = make_elf(["libz.so.1"])
    assert read_dynamic(whole[:4] + b"\x01" + whole[5:]) is None
    assert read_dynamic(b"#!/bin/sh\n") is None
