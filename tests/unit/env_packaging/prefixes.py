"""Small real prefixes: a complete Python copied from the one that runs the tests, a venv of it, and
a conda environment as conda's records describe one."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

PROGRAM = f"python{sys.version_info.major}.{sys.version_info.minor}"
LIBRARY = f"lib/{PROGRAM}"

#: Parts of the library that no test imports: to copy and to pack them would only take time.
_NOT_COPIED = (
    *("test", "tests", "idlelib", "lib2to3", "turtledemo", "tkinter", "ensurepip", "distutils"),
    *("pydoc_data", "unittest", "xml", "xmlrpc", "wsgiref", "curses", "dbm", "msilib", "asyncio"),
    *("multiprocessing", "concurrent", "http", "html", "ctypes", "site-packages", "dist-packages"),
    *("config-*", "_test*", "_codecs_*", "_tkinter*", "_decimal*", "unicodedata*"),
)


def copy_python(target: Path) -> Path:
    """Copy the Python that runs the tests: interpreter, library and libpython.

    It also gets a file of each kind that is left out of an archive.
    """
    base = Path(sys.base_prefix)
    ignored = shutil.ignore_patterns(*_NOT_COPIED)
    stdlib = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(stdlib, target / LIBRARY, ignore=ignored, ignore_dangling_symlinks=True)
    (target / "bin").mkdir()
    interpreter = Path(os.path.realpath(sys.executable))
    shutil.copy2(interpreter, target / "bin" / PROGRAM)
    (target / "bin" / "python3").symlink_to(PROGRAM)
    for library in base.glob("lib*/libpython*.so*"):
        shutil.copy2(library, target / "lib" / library.name, follow_symlinks=False)
    for name in ("test/test_ssl.py", "idlelib/run.py", "config-x/Makefile"):
        write(target / LIBRARY / name, "left = 'out'\n")
    return target


def link_tree(source: Path, target: Path) -> Path:
    """Copy a directory with hard links: its files must not be changed in place."""
    return Path(shutil.copytree(source, target, symlinks=True, copy_function=os.link))


def make_venv(python_prefix: Path, target: Path, *options: str) -> Path:
    """Create a venv without pip from the Python in a prefix."""
    program = python_prefix / "bin" / "python3"
    subprocess.run([program, "-I", "-m", "venv", "--without-pip", *options, target], check=True)
    return target


def packages_of(prefix: Path) -> Path:
    """Return the package directory of a venv, or of a plain Python other than Debian's."""
    directory = prefix / LIBRARY / "site-packages"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def package_directory_of(prefix: Path) -> Path:
    """Return the package directory of a complete Python, dist-packages on Debian."""
    script = "import site; print([p for p in site.getsitepackages() if '/lib/python3.' in p][-1])"
    done = subprocess.run(
        [prefix / "bin/python3", "-I", "-c", script], capture_output=True, text=True, check=True
    )
    directory = Path(done.stdout.strip())
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def install(prefix: Path, name: str, version: str = "1.0", source: str = "value = 42\n") -> Path:
    """Install a distribution with one module and one command, as an installer does."""
    packages = packages_of(prefix)
    write(packages / f"{name}.py", source)
    info = packages / f"{name}-{version}.dist-info"
    write(info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    write(info / "INSTALLER", "pip\n")
    command = prefix / "bin" / name
    write(command, f"#!{prefix}/bin/python\nimport {name}\nprint({name}.value)\n", 0o755)
    return info


def make_conda(python_prefix: Path, target: Path) -> Path:
    """Create a conda environment of a Python and a noarch package, without a package cache."""
    link_tree(python_prefix, target)
    (target / "bin" / "python").symlink_to(PROGRAM)
    interpreter_files = _files_below(target)
    install(target, "noarch_demo")
    write(target / f"{LIBRARY}/site-packages/noarch_demo-1.0.dist-info/INSTALLER", "conda\n")
    demo_files = sorted(set(_files_below(target)) - set(interpreter_files))
    version = sysconfig.get_config_var("py_version")
    _record(target, "python", version, interpreter_files)
    _record(target, "noarch-demo", "1.0", demo_files)
    write(target / "conda-meta" / "history", f"==> now <==\n# cmd: conda create -p {target}\n")
    install(target, "pip_demo")
    return target


def _record(prefix: Path, name: str, version: str, files: list[str]) -> None:
    cache = f"{prefix}/pkgs/{name}-{version}"
    record = {
        "name": name,
        "version": version,
        "build": "py_0",
        "channel": "local",
        "url": f"file:///{name}",
        "files": files,
        "extracted_package_dir": cache,
        "link": {"source": cache, "type": 1},
    }
    write(prefix / "conda-meta" / f"{name}-{version}-py_0.json", json.dumps(record))


def _files_below(directory: Path) -> list[str]:
    found = (path for path in directory.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(directory).as_posix() for path in found)


def write(path: Path, text: str, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(stat.S_IMODE(mode))
    return path


def run_in(environment: Path, *arguments: str) -> str:
    """Return the output of an unpacked environment's interpreter, run with clean variables."""
    done = subprocess.run(
        [environment / "bin" / "python", *arguments],
        env={"PATH": f"{environment}/bin:/usr/bin:/bin", "HOME": str(environment)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def unpack(archive: Path, target: Path) -> Path:
    """Unpack an archive as YARN does: with tar, and read-only."""
    target.mkdir(parents=True)
    subprocess.run(["tar", "-xzf", archive, "-C", target], check=True)
    subprocess.run(["chmod", "-R", "a-w", target], check=True)
    return target
