"""The members of a plain CPython prefix, and of a venv merged with the Python that it came from.

A venv has no interpreter and no standard library of its own; a copy of it on another machine would
be a folder of packages. Merged, the result is what the interpreter finds by itself, wherever it is
unpacked: the base's interpreter and library, and the venv's packages where that interpreter looks
for packages (`dist-packages` on Debian). pyvenv.cfg is dropped, so that it is no venv any more.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from env_packaging.build import conda
from env_packaging.build.elf import read_dynamic
from env_packaging.build.members import Listing, Member, MemberKind, walk_files
from env_packaging.build.prefix import Interpreter, Prefix, PrefixKind
from env_packaging.errors import PrefixError

_SITE_FOLDERS = ("site-packages", "dist-packages")

_HUBS_PAGES = ("JupyterHub's own pages, which only a hub serves", r"share/jupyterhub/")

#: What has no use on a node. The names are the archive's; the first rule that matches counts.
#: `{stdlib}` is the standard library's folder; a rule on it doesn't touch installed packages.
_LEFT_OUT = (
    ("test suites of the standard library", r"{stdlib}/(.*/)?(test|tests|idle_test)/"),
    ("IDLE and turtledemo", r"{stdlib}/(idlelib|turtledemo)/|bin/idle[0-9.]*$"),
    (
        "files to build an interpreter or to embed it",
        r"{stdlib}/config-|lib/pkgconfig/python|lib/libpython[^/]*\.a$"
        r"|bin/python[0-9.]*(-config|-gdb\.py)$",
    ),
    ("the mark that keeps pip from the system's Python", r"{stdlib}/EXTERNALLY-MANAGED$"),
    _HUBS_PAGES,
)

_ACTIVATION = ("activation scripts", r"bin/([aA]ctivate(\.\w+)?|deactivate\.\w+)$")

#: The same of a venv, whose base has been listed by the rules above.
_LEFT_OUT_OF_VENV = (
    _ACTIVATION,
    ("marks of a venv", r"(pyvenv\.cfg|\.gitignore|\.lock|CACHEDIR\.TAG)$"),
    ("links to the interpreter", r"bin/(python[0-9.]*|pythonw)$"),
    _HUBS_PAGES,
)
_LEFT_OUT_OF_VENV_ALONE = (_ACTIVATION, _HUBS_PAGES)


class _Rules:
    """Says which rule leaves a name out, if any."""

    def __init__(self, rules: tuple[tuple[str, str], ...], stdlib: str) -> None:
        self._rules = [
            (reason, re.compile(pattern.replace("{stdlib}", re.escape(stdlib))))
            for reason, pattern in rules
        ]
        self._packages = tuple(f"{stdlib}/{folder}/" for folder in _SITE_FOLDERS)

    def reason(self, name: str) -> str | None:
        if name.startswith(self._packages):
            return None
        return next((reason for reason, rule in self._rules if rule.match(name)), None)


def list_cpython(prefix: Prefix) -> Listing:
    """List all of a complete Python, but for what has no use on a node."""
    listing = Listing()
    rules = _Rules(_LEFT_OUT, _relative(prefix.interpreter.stdlib, prefix.interpreter.prefix))
    for name in walk_files(prefix.path):
        _take_or_leave(listing, rules, name, prefix.path / name, prefix.embedded_paths)
    _link_interpreter(listing, prefix.interpreter)
    return listing


def list_venv(prefix: Prefix) -> Listing:
    """List a venv's packages and files over what its base gives it."""
    if prefix.base is None:
        return _list_venv_alone(prefix)
    roots = prefix.embedded_paths
    has_lib64_link = (prefix.path / "lib64").is_symlink()
    listing = _list_base(prefix.base, roots, inherits_packages(prefix.path), has_lib64_link)
    rules = _Rules(_LEFT_OUT_OF_VENV, f"lib/{prefix.interpreter.program}")
    own_packages = f"lib/{prefix.interpreter.program}/site-packages/"
    packages = _package_folder(prefix.base.interpreter) + "/"
    for name in walk_files(prefix.path):
        placed = (
            packages + name.removeprefix(own_packages) if name.startswith(own_packages) else name
        )
        _take_or_leave(listing, rules, placed, prefix.path / name, roots)
    return listing


def _list_venv_alone(prefix: Prefix) -> Listing:
    """List a venv that stays one: its interpreter is copied, as `venv --copies` does, and finds its
    library where pyvenv.cfg says."""
    listing = Listing()
    rules = _Rules(_LEFT_OUT_OF_VENV_ALONE, f"lib/{prefix.interpreter.program}")
    for name in walk_files(prefix.path):
        _take_or_leave(listing, rules, name, prefix.path / name, prefix.embedded_paths)
    return listing


def _list_base(
    base: Prefix, roots: tuple[str, ...], with_packages: bool, has_lib64_link: bool
) -> Listing:
    """List what a venv has from its base: interpreter, standard library, headers, libpython, and
    the installed packages if the venv was made to see them."""
    if base.kind is PrefixKind.CONDA:
        listing = _list_conda_base(base, with_packages)
    else:
        listing = Listing()
        for folder in base_folders(base, with_packages):
            _take_tree(listing, base, folder, roots)
        for library in _shared_libpython(base):
            listing.take(f"lib/{library.name}", library, roots)
    if has_lib64_link:
        listing.members = {
            member.name: member for member in map(_out_of_lib64, listing.members.values())
        }
    _link_interpreter(listing, base.interpreter)
    return listing


def _list_conda_base(base: Prefix, with_packages: bool) -> Listing:
    """List all of a conda environment but packages and commands: its libraries are anywhere."""
    listing = conda.list_conda(base)
    packages = f"lib/{base.interpreter.program}/site-packages/"
    listing.members = {
        name: member
        for name, member in listing.members.items()
        if (with_packages or not name.startswith(packages))
        and (not name.startswith("bin/") or re.fullmatch(r"bin/python[0-9.]*", name))
        and not name.startswith("conda-meta/")
    }
    return listing


def base_folders(base: Prefix, with_packages: bool) -> list[Path]:
    """Return the folders of a base that a venv has from it."""
    interpreter = base.interpreter
    folders = [interpreter.stdlib, interpreter.include]
    if with_packages:
        folders += [base.path / each for each in interpreter.site_directories]
    return [each for each in folders if each.is_dir()]


def _take_tree(listing: Listing, base: Prefix, folder: Path, roots: tuple[str, ...]) -> None:
    name = _relative(folder, base.path)
    stdlib = base.interpreter.stdlib
    rules = _Rules(_LEFT_OUT, _relative(stdlib, base.path))
    without = _SITE_FOLDERS if folder == stdlib else ()
    for below in walk_files(folder, without):
        source = folder / below
        if source.is_symlink() and source.exists():
            real = source.resolve()
            if not real.is_relative_to(folder.resolve()):
                source = real  # in a part of the system that is not shipped
        _take_or_leave(listing, rules, f"{name}/{below}", source, roots)


def _take_or_leave(
    listing: Listing, rules: _Rules, name: str, source: Path, roots: tuple[str, ...]
) -> None:
    reason = rules.reason(name)
    if reason is None:
        listing.take(name, source, roots)
    else:
        listing.exclude(reason, source)


def _link_interpreter(listing: Listing, interpreter: Interpreter) -> None:
    """Make sure of `bin/pythonX.Y`, `bin/python3` and `bin/python`, whichever exist already."""
    program = f"bin/{interpreter.program}"
    if program not in listing.members:
        real = Path(os.path.realpath(interpreter.executable))
        listing.members[program] = Member(program, real, mode=0o755)
    for name in ("bin/python3", "bin/python"):
        if name not in listing.members:
            source = interpreter.executable
            link = Member(name, source, MemberKind.LINK, target=interpreter.program)
            listing.members[name] = link


def _shared_libpython(base: Prefix) -> list[Path]:
    """Return the base's own libpython, if its interpreter loads one."""
    program = Path(os.path.realpath(base.interpreter.executable))
    dynamic = read_dynamic(program.read_bytes())
    if dynamic is None or not any(each.startswith("libpython") for each in dynamic.needed):
        return []
    return sorted(base.path.glob("lib*/libpython*.so*"))


def _package_folder(base: Interpreter) -> str:
    """Return where an interpreter that is in no venv looks for packages beside its library."""
    usual = f"lib/{base.program}/site-packages"
    if usual in base.site_directories:
        return usual
    beside = [each for each in base.site_directories if each.startswith(f"lib/{base.program}/")]
    if not beside:
        raise PrefixError(
            f"{base.executable} looks for packages in {', '.join(base.site_directories)} only, and "
            "a venv's packages can't be put there: use another Python for this environment."
        )
    return beside[-1]


def inherits_packages(venv: Path) -> bool:
    """Tell whether a venv was made to see its base's packages."""
    lines = (venv / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").lower()
    return re.search(r"^\s*include-system-site-packages\s*=\s*true\s*$", lines, re.M) is not None


def _out_of_lib64(member: Member) -> Member:
    """Return the same member below `lib`, where the archive has `lib64` as a link to it (Fedora's
    Python keeps its library in lib64, and its venvs have that link)."""
    if not member.name.startswith("lib64/"):
        return member
    name = "lib/" + member.name.removeprefix("lib64/")
    return Member(name, member.source, member.kind, member.mode, member.target)


def _relative(folder: Path, prefix: Path) -> str:
    try:
        return folder.relative_to(prefix).as_posix()
    except ValueError:
        raise PrefixError(
            f"The Python of {prefix} has its library in {folder}, outside of it: "
            "use another Python for this environment."
        ) from None
