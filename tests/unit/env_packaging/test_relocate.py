from __future__ import annotations

import json
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from env_packaging.build.elf import read_dynamic
from env_packaging.build.relocate import PrefixPaths, relocate, remaining_prefix
from tests.unit.env_packaging.elf_files import make_elf

PREFIX = PrefixPaths(["/opt/env", "/opt/pythons"], "python3.11")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("#!/opt/env/bin/python\n", "#!/usr/bin/env python3.11\n"),
        ("#!/opt/env/bin/python3\n", "#!/usr/bin/env python3.11\n"),
        ("#! /opt/env/bin/python3.11\r\n", "#!/usr/bin/env python3.11\r\n"),
        ("#!/opt/pythons/bin/python3.11\n", "#!/usr/bin/env python3.11\n"),
        ("#!/opt/env/bin/python -sE\n", "#!/usr/bin/env -S python3.11 -sE\n"),
        ("#!/opt/env/bin/perl\n", "#!/usr/bin/env perl\n"),
        ("#!/opt/env/bin/python", "#!/usr/bin/env python3.11"),
    ],
)
def test_a_script_finds_its_interpreter_by_the_path(before: str, after: str) -> None:
    rest = "import sys\nprint('naïve')\n" if before.endswith("\n") else ""
    relocated = relocate("bin/tool", (before + rest).encode(), PREFIX)
    assert relocated == (after + rest).encode()
    assert remaining_prefix(relocated, PREFIX) is None


LONG = "/opt/" + "d" * 120 + "/env"
SPACED = "/opt/my team/env"
QUOTED = "/opt/o'neil's team/env"
PIP_END, CONDA_END = "\n' '''\n", " #'''\n"


@pytest.mark.parametrize(
    ("prefix", "command", "end"),
    [
        (LONG, f"{LONG}/bin/python3.11", PIP_END),  # pip
        (SPACED, f'"{SPACED}/bin/python3.11"', PIP_END),  # pip
        (LONG, f"'{LONG}/bin/python3'", PIP_END),  # uv
        (SPACED, f"'{SPACED}/bin/python3'", PIP_END),  # uv, and installer
        (QUOTED, f"{shlex.quote(QUOTED)}/bin/python", PIP_END),
        (SPACED, f'"{SPACED}/bin/python3.11"', CONDA_END),  # conda, mamba, rattler
        (LONG, f'"{LONG}/bin/python3.11"', CONDA_END),
    ],
)
@pytest.mark.parametrize("options", ["", "-sE"])
def test_a_script_whose_interpreter_is_run_by_a_shell_finds_it_by_the_path(
    prefix: str, command: str, end: str, options: str
) -> None:
    line = " ".join(filter(None, [f"'''exec' {command}", options, '"$0" "$@"']))
    prefix_paths = PrefixPaths([prefix], "python3.11")
    relocated = relocate("bin/tool", f"#!/bin/sh\n{line}{end}import sys\n".encode(), prefix_paths)
    interpreter = "-S python3.11 -sE" if options else "python3.11"
    assert relocated == f"#!/usr/bin/env {interpreter}\nimport sys\n".encode()


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\n'''exec' \"$(dirname \"$0\")\"/python \"$0\" \"$@\"\n' '''\n",
        "#!/usr/bin/env python3\n",
        "#!/bin/sh\nexec true\n",
        "#!/opt/env2/bin/python\n",
        "#!/opt/environment/bin/python\n",
        "#!/mnt/opt/env.d/bin/python\n",
    ],
)
def test_a_script_of_another_interpreter_is_unchanged(script: str) -> None:
    assert relocate("bin/tool", script.encode(), PREFIX) == script.encode()
    assert remaining_prefix(script.encode(), PREFIX) is None


@pytest.mark.parametrize(
    "command", ['\'/opt/env/bin/python "$0" "$@"', '/opt/env/bin/python "$0"', ""]
)
def test_a_script_that_a_shell_does_not_hand_on_as_installers_do_is_unchanged(command: str) -> None:
    data = f"#!/bin/sh\n'''exec' {command}\n' '''\n".encode()
    assert relocate("bin/tool", data, PREFIX) == data


def test_only_the_first_line_of_a_script_is_relocated_and_the_rest_is_reported() -> None:
    data = b"#!/opt/env/bin/python\nHOME = '/opt/env/share'\n"
    relocated = relocate("bin/tool", data, PREFIX)
    assert relocated == b"#!/usr/bin/env python3.11\nHOME = '/opt/env/share'\n"
    assert remaining_prefix(relocated, PREFIX) == "text"


def test_a_kernel_runs_the_python_that_jupyter_runs_in() -> None:
    spec = {"argv": ["/opt/env/bin/python3.11", "-m", "ipykernel_launcher"], "language": "python"}
    relocated = relocate(
        "share/jupyter/kernels/python3/kernel.json", json.dumps(spec).encode(), PREFIX
    )
    assert json.loads(relocated) == {**spec, "argv": ["python", "-m", "ipykernel_launcher"]}


def test_a_kernel_s_path_is_found_in_escapes_and_in_its_arguments() -> None:
    spec = {"argv": ["/opt/é/bin/python", "-c", "run('/opt/é/share', '/opt/été')"], "env": {}}
    data = json.dumps(spec).encode()
    assert b"\\u00e9" in data
    relocated = relocate("kernels/x/kernel.json", data, PrefixPaths(["/opt/é"], "python3.11"))
    expected = ["python", "-c", "run('{prefix}/share', '/opt/été')"]
    assert json.loads(relocated) == {**spec, "argv": expected}


def test_directories_in_a_path_file_become_relative_to_it() -> None:
    name = "lib/python3.11/site-packages/x.pth"
    data = b"# /opt/env\n/opt/env/plugins\n/opt/environment\nimport os\n/opt/env\n"
    relocated = b"# /opt/env\n../../../plugins\n/opt/environment\nimport os\n../../..\n"
    assert relocate(name, data, PREFIX) == relocated
    assert relocate("share/x.pth", data, PREFIX) == data


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"argv": []}', '{"argv": [1]}', '{"argv": ["/usr/bin/R"]}', "null"]
)
def test_a_kernel_spec_of_another_form_is_unchanged(text: str) -> None:
    data = (text + " /opt/env").encode() if text in ("", "{") else text.encode()
    assert relocate("share/jupyter/kernels/x/kernel.json", data, PREFIX) == data


def test_conda_s_records_lose_the_paths_of_unpacked_packages() -> None:
    record = {
        "name": "x",
        "extracted_package_dir": "/opt/env/pkgs/x-1",
        "link": {"source": "/opt/env/pkgs/x-1", "type": 1},
    }
    relocated = relocate("conda-meta/x-1-0.json", json.dumps(record).encode(), PREFIX)
    expected = {"name": "x", "extracted_package_dir": "", "link": {"source": "", "type": 1}}
    assert json.loads(relocated) == expected


def test_conda_s_history_is_emptied() -> None:
    assert relocate("conda-meta/history", b"==> 2024 <==\n# cmd: conda create\n", PREFIX) == b""


@pytest.mark.parametrize(
    ("name", "search_path", "expected"),
    [
        ("bin/python3.11", "/opt/pythons/lib", "$ORIGIN/../lib"),
        ("lib/libx.so", "/opt/pythons/lib", "$ORIGIN"),
        ("lib/a/b/x.so", "/usr/lib:/opt/pythons/lib//", "/usr/lib:$ORIGIN/../.."),
    ],
)
def test_a_library_s_search_path_becomes_relative_to_it(
    name: str, search_path: str, expected: str
) -> None:
    dynamic = read_dynamic(relocate(name, make_elf(["libz.so.1"], search_path), PREFIX))
    assert dynamic is not None
    assert [path.text for path in dynamic.search_paths] == [expected]


def test_a_search_path_that_would_get_longer_is_unchanged_and_reported() -> None:
    prefix_paths = PrefixPaths(["/e"], "python3.11")
    data = make_elf(["libz.so.1"], "/e/lib")
    assert relocate("lib/python3.11/lib-dynload/x.so", data, prefix_paths) == data
    assert remaining_prefix(data, prefix_paths) == "binary"


@given(st.binary(), st.text(min_size=1).filter(lambda name: name != "conda-meta/history"))
def test_a_file_without_the_prefix_is_unchanged(data: bytes, name: str) -> None:
    data = data.replace(b"/opt/", b"/opt-")
    assert relocate(name, data, PREFIX) == data
    assert remaining_prefix(data, PREFIX) is None


@given(
    st.sampled_from(["bin/x", "kernel.json", "conda-meta/x.json", "lib/x.so", "x.txt"]),
    st.lists(
        st.sampled_from([b"#!", b"/opt/env/bin/python", b" -s", b"\n", b"\x7fELF", b'{"argv":["'])
    ),
)
def test_relocating_twice_changes_nothing(name: str, pieces: list[bytes]) -> None:
    once = relocate(name, b"".join(pieces), PREFIX)
    assert relocate(name, once, PREFIX) == once
