"""Environments of each kind that can be made here without a network, with the same content.

Each has `probe` 2.0, from a wheel with a command, a script and data. An environment that inherits
packages has `probe` 1.0 and `inherited` in its base.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.unit.env_packaging.prefixes import (
    PROGRAM,
    copy_python,
    make_conda,
    make_venv,
    package_directory_of,
    packages_of,
    write,
)

Make = Callable[[Path], Path]

#: Debian's Python, which keeps packages in `dist-packages`.
DEBIAN = Path("/usr/bin/python3")

#: Other versions of the Python that runs the tests, as pyenv installs them.
OTHERS = sorted(Path(sys.base_prefix).parent.glob("3.1[0-9].*/bin/python3"))

#: A module of a Python with a library of its own.
_LIBRARY_CODE = "int answer(void) { return 42; }\n"
_MODULE_CODE = """
#include <Python.h>
int answer(void);
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "own_library", 0, -1, 0};
PyMODINIT_FUNC PyInit_own_library(void) {
    PyObject *made = PyModule_Create(&module);
    PyModule_AddIntConstant(made, "answer", answer());
    return made;
}
"""


def wheel(folder: Path, name: str, version: str) -> Path:
    """Write a wheel of a module with a command, a script and a data file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info, data = f"{name}-{version}.dist-info", f"{name}-{version}.data"
    files = {
        f"{name}/__init__.py": f"def main():\n    print({version!r})\n",
        f"{data}/scripts/{name}-script": f"#!python\nimport {name}\n{name}.main()\n",
        f"{data}/data/share/{name}/data.txt": "data\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(file, text)
    return path


def install_wheel(prefix: Path, file: Path) -> None:
    """Install a wheel as pip does, into a Python that lacks what pip needs."""
    packages = package_directory_of(prefix)
    name, version, *_ = file.name.split("-")
    shebang = f"#!{prefix}/bin/python\n"
    with zipfile.ZipFile(file) as archive:
        archive.extractall(packages)
    data = packages / f"{name}-{version}.data"
    shutil.copytree(data / "data", prefix, dirs_exist_ok=True)
    for script in (data / "scripts").iterdir():
        text = script.read_text().replace("#!python\n", shebang)
        write(prefix / "bin" / script.name, text, 0o755)
    shutil.rmtree(data)
    write(prefix / "bin" / name, f"{shebang}from {name} import main\nmain()\n", 0o755)


def tool(name: str) -> str:
    path = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert path, f"{name} is missing: install yarnhub[dev]"
    return path


def uv(*arguments: str | Path) -> None:
    subprocess.run([tool("uv"), *arguments, "--quiet", "--offline"], check=True)


def uv_install(prefix: Path, *wheels: Path) -> None:
    uv("pip", "install", "--no-index", "--no-deps", "--python", prefix / "bin/python", *wheels)


def by_venv(folder: Path) -> Path:
    venv = make_venv(copy_python(folder / "python"), folder / "env")
    install_wheel(venv, wheel(folder, "probe", "2.0"))
    return furnish(venv)


def by_conda_s_records(folder: Path) -> Path:
    prefix = make_conda(copy_python(folder / "python"), folder / "conda")
    install_wheel(prefix, wheel(folder, "probe", "2.0"))
    lines = ["#!/bin/sh", f"'''exec' \"{prefix}/bin/{PROGRAM}\" \"$0\" \"$@\" #'''", "print('ran')"]
    write(prefix / "bin/run-by-shell", "\n".join(lines) + "\n", 0o755)
    cached = write(prefix / "pkgs/cached-1/cached.py", "value = 42\n")
    (packages_of(prefix) / "cached.py").symlink_to(cached)
    return furnish(prefix)


def by_uv(name: str, *options: str, python: Path = Path(sys.executable)) -> Make:
    """Return a maker of a uv venv in a directory of that name."""

    def make(folder: Path) -> Path:
        venv = folder / name / "env"
        uv("venv", "--python", python, *options, venv)
        uv_install(venv, wheel(folder, "probe", "2.0"))
        return furnish(venv)

    return make


def by_uv_with_inherited_packages(folder: Path) -> Path:
    python = copy_python(folder / "python")
    (python / "bin/python").symlink_to(PROGRAM)
    install_wheel(python, wheel(folder, "probe", "1.0"))
    install_wheel(python, wheel(folder, "inherited", "3.0"))
    write(package_directory_of(python) / "inherited_directory.pth", "more\n")
    write(package_directory_of(python) / "more/through_path_file.py", "value = 42\n")
    return by_uv("env of uv", "--system-site-packages", python=python / "bin/python")(folder)


def by_virtualenv(*options: str) -> Make:
    def make(folder: Path) -> Path:
        data = {"VIRTUALENV_OVERRIDE_APP_DATA": str(folder / "data")}
        command = [
            tool("virtualenv"),
            "--python",
            sys.executable,
            "--quiet",
            "--no-download",
            *options,
        ]
        environment = {**os.environ, **data}
        subprocess.run([*command, folder / "virtual env"], check=True, env=environment)
        uv_install(folder / "virtual env", wheel(folder, "probe", "2.0"))
        return furnish(folder / "virtual env")

    return make


def complete_python(folder: Path) -> Path:
    python = copy_python(folder / "python")
    (python / "bin/python").symlink_to(PROGRAM)
    install_wheel(python, wheel(folder, "probe", "2.0"))
    make_venv(python, python / "envs/other")
    return furnish(python)


def of_a_python_with_its_own_libraries(folder: Path) -> Path:
    python = copy_python(folder / "python")
    library = python / "lib"
    source = write(folder / "own.c", _LIBRARY_CODE)
    soname = "-Wl,-soname,libown.so.1"
    compiler = ["gcc", "-shared", "-fPIC", "-o"]
    subprocess.run([*compiler, library / "libown.so.1", soname, source], check=True)
    module = library / f"{PROGRAM}/lib-dynload/own_library.so"
    source = write(folder / "module.c", _MODULE_CODE)
    include = f"-I{Path(sys.base_prefix) / 'include' / PROGRAM}"
    links = [library / "libown.so.1", f"-Wl,-rpath,{library}"]
    subprocess.run([*compiler, module, include, source, *links], check=True)
    venv = make_venv(python, folder / "env")
    install_wheel(venv, wheel(folder, "probe", "2.0"))
    write(packages_of(venv) / "uses_library.py", "import own_library\n")
    return furnish(venv)


def that_was_moved(folder: Path) -> Path:
    return by_uv("first")(folder).rename(folder / "moved")


def through_a_link(folder: Path) -> Path:
    (folder / "real").mkdir()
    (folder / "site").symlink_to("real")
    by_uv("site")(folder)
    return folder / "real/env"


def by_rattler(name: str) -> Make:
    """Return a maker of a conda environment in a directory of that name."""

    def make(folder: Path) -> Path:
        from tests.conda_packages import Package, add_package, add_python, make_environment

        channel = folder / "channel"
        add_python(channel)
        tree, info = folder / "tree", "noarch_probe-1.0.dist-info"
        files = {
            "noarch_probe.py": "def main():\n    print('of conda')\n",
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: noarch_probe\nVersion: 1.0\n",
            f"{info}/INSTALLER": "conda\n",
        }
        for file, text in files.items():
            write(tree / "site-packages" / file, text)
        commands = ("noarch-probe = noarch_probe:main",)
        package = Package("noarch-probe", "1.0", ("python >=3",), True, commands)
        add_package(channel, package, tree)
        prefix = make_environment(channel, folder / name / "env", ["python", "noarch-probe"])
        uv_install(prefix, wheel(folder, "probe", "2.0"))
        return furnish(prefix)

    return make


def furnish(prefix: Path) -> Path:
    """Add what names the prefix: a path file, a kernel and a link."""
    packages = next(path for path in prefix.glob("lib/python3*/*-packages") if path.is_dir())
    write(prefix / "plugins/site_plugin.py", "value = 'of a plugin'\n")
    write(packages / "plugins.pth", f"{prefix}/plugins\n")
    kernel = {"argv": [f"{prefix}/bin/python", "-m", "ipykernel_launcher"], "language": "python"}
    write(prefix / "share/jupyter/kernels/own/kernel.json", json.dumps(kernel))
    write(prefix / "share/tool/run", "#!/bin/sh\necho run\n", 0o755)
    (prefix / "bin/linked-tool").symlink_to(prefix / "share/tool/run")
    return prefix
