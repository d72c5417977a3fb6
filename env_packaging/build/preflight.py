"""What an admin should know before users do: each problem as a sentence with what to do.

An environment that can't work on another machine is refused; one that may not do all that is
expected of it is packed, with findings in its manifest.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from env_packaging.build.elf import read_dynamic
from env_packaging.build.members import Member
from env_packaging.build.packages import has_distributions
from env_packaging.build.plan import Inspected, Plan
from env_packaging.build.prefix import Prefix, PrefixKind, run_python
from env_packaging.build.relocate import relocate
from env_packaging.errors import PrefixError
from env_packaging.manifest import Finding, Package

#: Libraries of glibc and of GCC's run time, which are on every Linux that runs Hadoop; those that
#: manylinux wheels may count on (PEP 513), without X11.
_SYSTEM_LIBRARIES = re.compile(
    r"(ld-linux.*|libc|libm|libdl|libpthread|librt|libutil|libresolv|libnsl|libcrypt|libgcc_s"
    r"|libstdc\+\+)\.so\.[0-9.]+"
)

#: Modules that a notebook server needs, each with what it is needed for.
_EXPECTED_MODULES = {
    "jupyterhub.singleuser": "no notebook server can start in it",
    "jupyterlab": "servers in it can't show JupyterLab",
    "hdfs_contents": "notebooks can't be kept in HDFS",
    "hdfs_native": "notebooks can't be kept in HDFS",
}
_DISTRIBUTIONS = {
    "jupyterhub.singleuser": "jupyterhub",
    "hdfs_contents": "'yarnhub[notebook]'",
    "hdfs_native": "hdfs-native",
}

_IMPORT = """
import gc, importlib, json, os
gc.disable()  # half a million objects, and all of them stay
failed = {}
for name in %r:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = "%%s: %%s" %% (type(error).__name__, error)
print()
print(json.dumps(failed), flush=True)
os._exit(0)  # nothing that was imported may print after this
"""


def refuse_editable_installs(prefix: Prefix, members: Iterable[Member]) -> None:
    """Raise PrefixError for the first package that is used from a folder outside of the prefix."""
    for member in members:
        folder, file = posixpath.split(member.name)
        if file == "direct_url.json" and folder.endswith(".dist-info"):
            _refuse_direct_url(prefix, folder, member.source)
        elif posixpath.basename(folder) in ("site-packages", "dist-packages"):
            if file.endswith(".egg-link"):
                place = member.source.read_text(errors="replace").splitlines()[:1]
                raise _editable(prefix, file.removesuffix(".egg-link"), "".join(place))
            if file.endswith(".pth"):
                _refuse_outside_folder(prefix, member.source)


def _refuse_direct_url(prefix: Prefix, folder: str, source: Path) -> None:
    try:
        values: dict[str, Any] = json.loads(source.read_bytes())
        editable = values["dir_info"]["editable"] is True
    except (ValueError, KeyError, TypeError):
        return
    if editable:
        name = posixpath.basename(folder).partition("-")[0]
        raise _editable(prefix, name, str(values.get("url", "")).removeprefix("file://"))


def _refuse_outside_folder(prefix: Prefix, path_file: Path) -> None:
    for line in path_file.read_text(errors="replace").splitlines():
        folder = line.strip()
        if not folder or folder.startswith(("#", "import ", "import\t")):
            continue
        place = os.path.realpath(path_file.parent / folder)
        roots = tuple(os.path.realpath(root) + "/" for root in prefix.embedded_paths)
        if Path(place).exists() and not (place + "/").startswith(roots):
            raise PrefixError(
                f"{path_file} adds {place} to Python's path, which is outside of the environment: "
                "install what is there as a package, remove that line and pack again."
            )


def _editable(prefix: Prefix, name: str, place: str) -> PrefixError:
    return PrefixError(
        f"{name} is installed editable, from {place or 'a folder'}, which no node has: install it "
        f"whole ({prefix.interpreter.executable} -m pip install {place or name}) and pack again."
    )


def refuse_without_packages(prefix: Prefix, members: Iterable[Member]) -> None:
    """Raise PrefixError for a venv in which nothing is installed."""
    if prefix.kind is PrefixKind.VENV and not has_distributions(members):
        raise PrefixError(
            f"{prefix.path} is a venv with no package in it: install what notebooks need "
            f"({prefix.interpreter.executable} -m pip install 'yarnhub[notebook]'), or give "
            "--force to pack it all the same."
        )


def refuse_unmovable_interpreter(plan: Plan) -> None:
    """Raise PrefixError if the interpreter would not find its own library where it is unpacked."""
    files = {each.member.name: each for each in plan.files}
    # A venv that stays one has it under the name that it was made with; the others are links.
    name = plan.place.interpreter if not plan.prefix.assumes_base else r"bin/python[0-9.]*"
    program = next(each for each in plan.files if re.fullmatch(name, each.member.name))
    libraries = [each for each in program.needed if each.startswith("libpython")]
    if not libraries:
        return
    data = relocate(program.member.name, program.member.source.read_bytes(), plan.place)
    dynamic = read_dynamic(data)
    folders = ":".join(path.text for path in dynamic.search_paths) if dynamic else ""
    if plan.prefix.assumes_base:
        if "$ORIGIN" not in folders:
            return
        raise PrefixError(
            f"{program.member.source} looks for {libraries[0]} beside itself, and would not find "
            "it in the environment: pack it without --assume-base."
        )
    found = [f"lib/{each}" in files for each in libraries]
    if not all(found) or "$ORIGIN" not in folders:
        raise PrefixError(
            f"{program.member.source} loads {libraries[0]} from a fixed place on this machine and "
            "would not start on another: use a Python that brings its library along, such as "
            "conda's, pyenv's or uv's."
        )


def module_findings(prefix: Prefix) -> list[Finding]:
    """Import what a notebook server needs in the environment's interpreter."""
    program = prefix.interpreter.executable
    output = run_python(program, _IMPORT % list(_EXPECTED_MODULES))
    failed: dict[str, str] = json.loads(output.splitlines()[-1])
    return [
        Finding(
            "warning",
            "module",
            f"{name} can't be imported ({reason}), so {_EXPECTED_MODULES[name]}: "
            f"{program} -m pip install {_DISTRIBUTIONS.get(name, name)}",
            (name,),
        )
        for name, reason in failed.items()
    ]


def file_findings(plan: Plan) -> Iterator[Finding]:
    """Yield what was found in the files, and links that lead nowhere."""
    yield from plan.listing.findings
    if plan.prefix.assumes_base:
        interpreter = plan.prefix.interpreter
        yield Finding(
            "warning",
            "assumed-base",
            f"Every node must have Python {interpreter.version} in {interpreter.base_prefix}: it "
            "was not packed.",
        )
    if broken := tuple(sorted(plan.listing.broken)):
        yield Finding("note", "broken-link", "Links that lead to nothing were left out.", broken)
    if text := tuple(each.member.name for each in plan.files if each.remaining_prefix == "text"):
        yield Finding(
            "note",
            "prefix-in-text",
            "Text files that name the folder the environment was packed from, which the nodes "
            "don't have; in most it says only how something was built.",
            text,
        )
    if binary := tuple(
        each.member.name for each in plan.files if each.remaining_prefix == "binary"
    ):
        yield Finding(
            "note",
            "prefix-in-binary",
            "Binary files that name the folder the environment was packed from.",
            binary,
        )
    if unsettled := tuple(each.member.name for each in plan.files if each.unsettled):
        yield Finding(
            "warning",
            "library-path",
            "Libraries that look for others in the folder the environment was packed from, and "
            "will not find them there.",
            unsettled,
        )
    version, member = glibc_floor(plan)
    if version:
        message = (
            f"Nodes need glibc {version} or later, for {member} among others: `ldd --version` "
            "tells what one has."
        )
        yield Finding("note", "glibc", message, (member,))
    yield from _outside_libraries(plan)


def glibc_floor(plan: Plan) -> tuple[str, str]:
    """Return the oldest glibc that all of an environment runs on, as "2.34", and a member that asks
    for it; both are empty where none asks for any."""
    newest = max(plan.files, key=lambda each: each.glibc)
    return ".".join(map(str, newest.glibc)), newest.member.name if newest.glibc else ""


def hub_findings(packages: Iterable[Package], hub_version: str | None) -> Iterator[Finding]:
    """Compare JupyterHub in the environment with the one here, which is None where there is none.

    Both have to be of one major version, or they may not understand each other.
    """
    inside = next((each.version for each in packages if each.name == "jupyterhub"), None)
    if inside is None or hub_version is None:
        return  # to have none is another finding
    if inside.partition(".")[0] != hub_version.partition(".")[0]:
        yield Finding(
            "warning",
            "hub-version",
            f"JupyterHub is {inside} in the environment and {hub_version} here, which may not "
            "understand each other: install the same major version in both.",
            ("jupyterhub",),
        )


def _outside_libraries(plan: Plan) -> Iterator[Finding]:
    inside = {posixpath.basename(each.name) for each in plan.members}
    users: dict[str, Inspected] = {}
    for file in plan.files:
        for library in file.needed:
            if library not in inside and not _SYSTEM_LIBRARIES.fullmatch(library):
                users.setdefault(library, file)
    if users:
        names = tuple(f"{library} ({users[library].member.name})" for library in sorted(users))
        yield Finding(
            "note",
            "outside-library",
            "Libraries that are not in the environment: every node must have them. "
            + ", ".join(sorted(users)),
            names,
        )
