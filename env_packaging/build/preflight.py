"""Finds problems of an environment before users do.

An environment that cannot work on another machine is refused. One that may lack something is
packed, with findings in its manifest.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from env_packaging.build.elf import read_dynamic
from env_packaging.build.libraries import libraries_elsewhere, outside_libraries
from env_packaging.build.members import PACKAGE_DIRECTORY, Member
from env_packaging.build.packages import has_distributions
from env_packaging.build.plan import Plan
from env_packaging.build.prefix import Prefix, PrefixKind, install_command, start_python
from env_packaging.build.relocate import relocate
from env_packaging.build.unusable import programs_with_prefix, unusable_files
from env_packaging.errors import PrefixError
from env_packaging.manifest import (
    MODULE_CODE,
    SERVER_MODULE,
    SHOWN_NAMES,
    Finding,
    Package,
    server_fault,
)

_NOTEBOOK = "'yarnhub[notebook]'"

#: Modules that a notebook server needs, each with the consequence if it is missing.
_EXPECTED_MODULES = {
    SERVER_MODULE: "no notebook server can start in it",
    "jupyterlab": "servers in it cannot show JupyterLab",
    "hdfs_contents": "notebooks cannot be kept in HDFS",
    "hdfs_native": "notebooks cannot be kept in HDFS",
}
#: Their distributions, as arguments of pip, if not of the same name.
_DISTRIBUTIONS = {
    SERVER_MODULE: "jupyterhub",
    "hdfs_contents": _NOTEBOOK,
    "hdfs_native": "hdfs-native",
}

_IMPORT = """
import gc, importlib, json, os
gc.disable()  # the imports create half a million objects that stay
for name in %r:
    print("\\n%s" + name, end="", flush=True)
    try:
        importlib.import_module(name)
        failure = None
    except BaseException as error:
        failure = "%%s: %%s" %% (type(error).__name__, error)
    print("\\n%s" + json.dumps([name, failure]), flush=True)
os._exit(0)  # nothing that was imported may print after this
"""

#: Begin the lines of `_IMPORT`'s output, among those that modules print.
_IMPORTING, _IMPORTED = "yarnhub-importing ", "yarnhub-imported "


def refuse_editable_installs(prefix: Prefix, members: Iterable[Member]) -> None:
    """Raise PrefixError for the first package that is loaded from outside the prefix."""
    members = list(members)
    for member in members:
        directory, file = posixpath.split(member.name)
        if file == "direct_url.json" and directory.endswith(".dist-info"):
            _refuse_direct_url(prefix, directory, member.source)
    for member in members:
        directory, file = posixpath.split(member.name)
        if re.fullmatch(PACKAGE_DIRECTORY, posixpath.basename(directory)):
            if file.endswith(".egg-link"):
                checkout = member.source.read_text(errors="replace").splitlines()[:1]
                raise _editable(prefix, file.removesuffix(".egg-link"), "".join(checkout))
            if file.endswith(".pth"):
                _refuse_outside_directory(prefix, member.source)


def _refuse_direct_url(prefix: Prefix, info_directory: str, source: Path) -> None:
    try:
        values = json.loads(source.read_bytes())
        editable = values["dir_info"]["editable"] is True
    except (ValueError, KeyError, TypeError):
        return
    if editable:
        name = posixpath.basename(info_directory).partition("-")[0]
        raise _editable(prefix, name, unquote(str(values.get("url", "")).removeprefix("file://")))


def _refuse_outside_directory(prefix: Prefix, path_file: Path) -> None:
    for line in path_file.read_text(errors="replace").splitlines():
        directory = line.strip()
        if not directory or directory.startswith(("#", "import ", "import\t")):
            continue
        real = os.path.realpath(path_file.parent / directory)
        roots = tuple(os.path.realpath(root) + "/" for root in prefix.embedded_paths)
        if Path(real).exists() and not (real + "/").startswith(roots):
            raise PrefixError(
                f"{path_file} adds {real} to Python's path, which is outside the environment. "
                "Install the code there as a package, remove that line and pack again."
            )


def _editable(prefix: Prefix, name: str, checkout: str) -> PrefixError:
    return PrefixError(
        f"{name} is an editable install from {checkout or 'a directory'}, which no node has. "
        "Install it as a regular package "
        f"({install_command(prefix, shlex.quote(checkout or name))}) and pack again."
    )


def refuse_unusable(plan: Plan, server: str, *, force: bool) -> None:
    """Raise PrefixError for files that cannot work on a node, and for a server that cannot start.

    `server` is the reason for the latter. With `force` the files become a finding.
    """
    files = list(unusable_files(plan))
    more = len(files) - SHOWN_NAMES
    shown = ", ".join(map(str, files[:SHOWN_NAMES])) + (f" and {more} more" if more > 0 else "")
    if files and force:
        message = f"Files cannot work on a node: {shown}."
        names = tuple(file.name for file in files)
        plan.listing.findings.append(Finding("warning", "unusable", message, names))
    elif files:
        raise PrefixError(
            f"{len(files)} {'file' if len(files) == 1 else 'files'} of {plan.prefix.path} cannot "
            f"work on a node: {shown}. Reinstall or remove what they belong to, or use --force to "
            "publish the environment anyway."
        )
    if server and not force:
        raise PrefixError(f"{server} Or use --force to publish the environment anyway.")


def refuse_without_packages(prefix: Prefix, members: Iterable[Member]) -> None:
    """Raise PrefixError for a venv without packages."""
    if prefix.kind is PrefixKind.VENV and not has_distributions(members):
        raise PrefixError(
            f"{prefix.path} is a venv without packages. Install those that notebooks need "
            f"({install_command(prefix, _NOTEBOOK)}), or use "
            "--force to pack it anyway."
        )


def refuse_unmovable_interpreter(plan: Plan) -> None:
    """Raise PrefixError if the interpreter would not find its own library after unpacking."""
    names = {file.member.name for file in plan.files}
    # An unmerged venv has the interpreter under one of these names; the others are links to it.
    name = r"bin/python[0-9.]*" if plan.prefix.assumes_base else plan.prefix_paths.interpreter
    program = next(file for file in plan.files if re.fullmatch(name, file.member.name))
    libraries = [library for library in program.needed if library.startswith("libpython")]
    if not libraries:
        return
    data = relocate(program.member.name, program.member.source.read_bytes(), plan.prefix_paths)
    dynamic = read_dynamic(data)
    search_path = ":".join(path.text for path in dynamic.search_paths) if dynamic else ""
    if plan.prefix.assumes_base:
        if "$ORIGIN" not in search_path:
            return
        raise PrefixError(
            f"{program.member.source} looks for {libraries[0]} relative to itself, and would not "
            "find it in the environment. Pack without --assume-base."
        )
    packed = all(f"lib/{library}" in names for library in libraries)
    if not packed or "$ORIGIN" not in search_path:
        raise PrefixError(
            f"{program.member.source} loads {libraries[0]} from a fixed path on this machine and "
            "would not start on another. Use a Python that includes its library, such as conda's, "
            "pyenv's or uv's."
        )


def module_findings(prefix: Prefix) -> list[Finding]:
    """Import the modules of a notebook server in the environment's interpreter."""
    program = prefix.interpreter.executable
    failed = failed_imports(program, list(_EXPECTED_MODULES))
    return [
        Finding(
            "warning",
            MODULE_CODE,
            f"{name} cannot be imported ({reason}), so {_EXPECTED_MODULES[name]}. Run: "
            + install_command(prefix, _DISTRIBUTIONS.get(name, name)),
            (name,),
        )
        for name, reason in failed.items()
    ]


def failed_imports(program: Path, modules: Sequence[str]) -> dict[str, str]:
    """Import modules in an interpreter; return those that failed, with the reasons."""
    failed: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        done = start_python(program, _IMPORT % (waiting, _IMPORTING, _IMPORTED))
        lines = done.stdout.splitlines()
        results = [line.removeprefix(_IMPORTED) for line in lines if line.startswith(_IMPORTED)]
        for name, failure in map(json.loads, results):
            waiting.remove(name)
            if failure:
                failed[name] = failure
        if waiting:  # the first one ended the interpreter
            failed[waiting.pop(0)] = f"it ended the interpreter with exit status {done.returncode}"
    return failed


def server_failure(findings: Iterable[Finding], packages: Iterable[Package]) -> str:
    """Return why no server can start in an environment that has JupyterHub, empty if one can.

    An environment without JupyterHub is one of kernels or of Spark.
    """
    if not any(package.name == "jupyterhub" for package in packages):
        return ""
    return server_fault(findings)


def file_findings(plan: Plan) -> Iterator[Finding]:
    """Yield the findings on the files and links of a plan."""
    yield from plan.listing.findings
    if plan.prefix.assumes_base:
        interpreter = plan.prefix.interpreter
        yield Finding(
            "warning",
            "assumed-base",
            f"Every node must have Python {interpreter.version} in {interpreter.base_prefix}, "
            "because it was not packed.",
        )
    if broken := tuple(sorted(plan.listing.broken)):
        yield Finding("note", "broken-link", "Broken links were left out.", broken)
    yield from _remaining_prefix_findings(plan)
    version, member = glibc_floor(plan)
    if version:
        message = (
            f"Nodes need glibc {version} or later, for {member} among others. `ldd --version` "
            "shows a node's version."
        )
        yield Finding("note", "glibc", message, (member,))
    yield from _outside_libraries(plan)


def _remaining_prefix_findings(plan: Plan) -> Iterator[Finding]:
    """Yield the findings on files that name the prefix that the environment was packed from."""
    if programs := tuple(programs_with_prefix(plan)):
        yield Finding(
            "warning",
            "prefix-in-program",
            f"Programs and settings name {plan.prefix.path}, which the nodes do not have, and can "
            "fail there.",
            programs,
        )
    if text := tuple(
        file.member.name
        for file in plan.files
        if file.remaining_prefix == "text" and file.member.name not in programs
    ):
        yield Finding(
            "note",
            "prefix-in-text",
            "Text files contain the prefix that the environment was packed from, which the nodes "
            "do not have. Most of them only record how something was built.",
            text,
        )
    if binary := tuple(
        file.member.name for file in plan.files if file.remaining_prefix == "binary"
    ):
        yield Finding(
            "note",
            "prefix-in-binary",
            "Binary files contain the prefix that the environment was packed from.",
            binary,
        )
    if unrelocated := tuple(file.member.name for file in plan.files if file.unrelocated):
        yield Finding(
            "warning",
            "library-path",
            "Libraries look for others in the prefix that the environment was packed from, and "
            "will not find them on a node.",
            unrelocated,
        )


def glibc_floor(plan: Plan) -> tuple[str, str]:
    """Return the oldest glibc that an environment runs on, and a member that needs it.

    The glibc is like "2.34". Both are empty if no member needs any.
    """
    newest = max(plan.files, key=lambda file: file.glibc)
    return ".".join(map(str, newest.glibc)), newest.member.name if newest.glibc else ""


def hub_findings(packages: Iterable[Package], hub_version: str | None) -> Iterator[Finding]:
    """Compare JupyterHub in the environment with the one on this machine, None if it has none.

    Different major versions of hub and server may be incompatible.
    """
    version = next((package.version for package in packages if package.name == "jupyterhub"), None)
    if version is None or hub_version is None:
        return  # a missing jupyterhub is another finding
    if version.partition(".")[0] != hub_version.partition(".")[0]:
        yield Finding(
            "warning",
            "hub-version",
            f"JupyterHub is {version} in the environment and {hub_version} here, which may be "
            "incompatible. Install the same major version in both.",
            ("jupyterhub",),
        )


def _outside_libraries(plan: Plan) -> Iterator[Finding]:
    packed = {posixpath.basename(member.name) for member in plan.members}
    users = outside_libraries(plan.files, packed)
    if elsewhere := libraries_elsewhere(users):
        shown = ", ".join(f"{library} in {path}" for library, path in sorted(elsewhere.items()))
        yield Finding(
            "warning",
            "library-elsewhere",
            f"Every node must have libraries that are outside of the environment here: {shown}.",
            tuple(f"{library} ({users[library][0].member.name})" for library in sorted(elsewhere)),
        )
    if users:
        names = tuple(f"{library} ({users[library][0].member.name})" for library in sorted(users))
        yield Finding(
            "note",
            "outside-library",
            "Every node must have these libraries, which are not in the environment: "
            + ", ".join(sorted(users)),
            names,
        )
