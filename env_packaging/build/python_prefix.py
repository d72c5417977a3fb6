"""Lists the members of a complete Python, and of a venv merged with its base Python.

A venv has neither an interpreter nor a standard library; on another machine, a copy of it would
only be a directory of packages. The merged archive has the base's interpreter and library, and the
venv's packages in the directory where that interpreter looks for packages (`dist-packages` on
Debian). It has no pyvenv.cfg, so it is not a venv but a complete Python that finds all its parts
wherever it is unpacked.

A venv that inherits its base's packages has them in separate directories, `base-packages`,
which a path file puts after the venv's: as in the venv, its own packages are found first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from env_packaging.build import conda
from env_packaging.build.elf import read_dynamic
from env_packaging.build.members import PACKAGE_DIRECTORY, Listing, Member, MemberKind, walk_files
from env_packaging.build.prefix import Interpreter, Prefix, PrefixKind
from env_packaging.errors import PrefixError

_SITE_DIRECTORIES = ("site-packages", "dist-packages")

#: Puts the directories of inherited packages on Python's path. Python reads path files in the order
#: of their names, and the directories that the venv's own files add must come first.
_PATH_FILE = "zz_base_packages.pth"

_HUB_PAGES = ("JupyterHub's own pages, which only a hub serves", r"share/jupyterhub/")

#: Files that no node uses. Patterns match names in the archive; the first match counts.
#: `{stdlib}` is the standard library's directory, without the packages installed below it.
_LEFT_OUT = (
    ("test suites of the standard library", r"{stdlib}/(.*/)?(test|tests|idle_test)/"),
    ("IDLE and turtledemo", r"{stdlib}/(idlelib|turtledemo)/|bin/idle[0-9.]*$"),
    (
        "files to build or to embed an interpreter",
        r"{stdlib}/config-|lib/pkgconfig/python|lib/libpython[^/]*\.a$"
        r"|bin/python[0-9.]*(-config|-gdb\.py)$",
    ),
    ("the marker that keeps pip out of the system's Python", r"{stdlib}/EXTERNALLY-MANAGED$"),
    _HUB_PAGES,
)

_ACTIVATION = ("activation scripts", r"bin/([aA]ctivate(\.\w+)?|deactivate\.\w+)$")

#: The same for a venv. The rules above apply to its base.
_LEFT_OUT_OF_VENV = (
    _ACTIVATION,
    ("markers of a venv", r"(pyvenv\.cfg|\.gitignore|\.lock|CACHEDIR\.TAG)$"),
    ("links to the interpreter", r"bin/(python[0-9.]*|pythonw)$"),
    _HUB_PAGES,
)
_LEFT_OUT_OF_UNMERGED_VENV = (_ACTIVATION, _HUB_PAGES)


class _Rules:
    """The rules that leave files out, for one standard library directory."""

    def __init__(self, rules: tuple[tuple[str, str], ...], stdlib: str) -> None:
        self._rules = [
            (reason, re.compile(pattern.replace("{stdlib}", re.escape(stdlib))))
            for reason, pattern in rules
        ]
        self._packages = re.compile(f"{re.escape(stdlib)}/{PACKAGE_DIRECTORY}/")

    def reason(self, name: str) -> str | None:
        """Return the reason for leaving a file out, None if no rule does."""
        if self._packages.match(name):
            return None
        return next((reason for reason, rule in self._rules if rule.match(name)), None)


def list_cpython(prefix: Prefix) -> Listing:
    """List a complete Python, without the files that no node uses."""
    listing = Listing()
    rules = _Rules(_LEFT_OUT, _relative(prefix.interpreter.stdlib, prefix.interpreter.prefix))
    for name in walk_files(prefix.path):
        _add_or_exclude(listing, rules, name, prefix.path / name, prefix.embedded_paths)
    _link_interpreter(listing, prefix.interpreter)
    return listing


def list_venv(prefix: Prefix) -> Listing:
    """List a venv's packages and files over those of its base."""
    if prefix.base is None:
        return _list_unmerged_venv(prefix)
    has_lib64_link = (prefix.path / "lib64").is_symlink()
    inherits = inherits_packages(prefix.path)
    listing = _list_base(prefix.base, inherits, has_lib64_link)
    rules = _Rules(_LEFT_OUT_OF_VENV, f"lib/{prefix.interpreter.program}")
    own_packages = f"lib/{prefix.interpreter.program}/site-packages/"
    packages = _package_directory(prefix.base.interpreter) + "/"
    if inherits:
        listing.add(packages + _PATH_FILE, Path(__file__).with_name(_PATH_FILE), ())
    for name in walk_files(prefix.path):
        placed = (
            packages + name.removeprefix(own_packages) if name.startswith(own_packages) else name
        )
        _add_or_exclude(listing, rules, placed, prefix.path / name, prefix.own_paths)
    return listing


def _list_unmerged_venv(prefix: Prefix) -> Listing:
    """List a venv that stays one.

    Its interpreter is a copy, as from `venv --copies`, and finds its library through pyvenv.cfg.
    """
    listing = Listing()
    rules = _Rules(_LEFT_OUT_OF_UNMERGED_VENV, f"lib/{prefix.interpreter.program}")
    for name in walk_files(prefix.path):
        _add_or_exclude(listing, rules, name, prefix.path / name, prefix.embedded_paths)
    return listing


def _list_base(base: Prefix, with_packages: bool, has_lib64_link: bool) -> Listing:
    """List the interpreter, standard library, headers and libpython of a venv's base, and its
    packages if the venv inherits them."""
    if base.kind is PrefixKind.CONDA:
        listing = _list_conda_base(base, with_packages)
    else:
        listing = Listing()
        for directory, name in _placed_directories(base, with_packages):
            _add_tree(listing, base, directory, name)
        for library in _shared_libpython(base):
            listing.add(f"lib/{library.name}", library, base.own_paths)
    if has_lib64_link:
        listing.members = {
            member.name: member for member in map(_out_of_lib64, listing.members.values())
        }
    _link_interpreter(listing, base.interpreter)
    return listing


def _list_conda_base(base: Prefix, with_packages: bool) -> Listing:
    """List a conda environment without packages and commands: its libraries can be anywhere."""
    listing = conda.list_conda(base)
    packages = f"lib/{base.interpreter.program}/site-packages/"
    inherited = inherited_directory(base.interpreter, 0) + "/"
    kept = [
        replace(member, name=inherited + name.removeprefix(packages))
        if name.startswith(packages)
        else member
        for name, member in listing.members.items()
        if (with_packages or not name.startswith(packages))
        and (not name.startswith("bin/") or re.fullmatch(r"bin/python[0-9.]*", name))
        and not name.startswith("conda-meta/")
    ]
    listing.members = {member.name: member for member in kept}
    return listing


def inherited_directory(interpreter: Interpreter, index: int) -> str:
    """Return the name in the archive of a base's package directory, the first if `index` is 0.

    It is as deep as `site-packages`, so that relative paths from it stay valid.
    """
    return f"lib/{interpreter.program}/base-packages" + (f"-{index + 1}" if index else "")


def _placed_directories(base: Prefix, with_packages: bool) -> Iterator[tuple[Path, str]]:
    """Yield the directories of a base that its venv uses, each with its name in the archive."""
    interpreter = base.interpreter
    for directory in base_directories(base, with_packages=False):
        yield directory, _relative(directory, base.path)
    if with_packages:
        for index, directory in enumerate(_package_directories(base)):
            yield directory, inherited_directory(interpreter, index)


def _package_directories(base: Prefix) -> list[Path]:
    paths = [base.path / directory for directory in base.interpreter.site_directories]
    return [path for path in paths if path.is_dir()]


def base_directories(base: Prefix, with_packages: bool) -> list[Path]:
    """Return the directories of a base that its venv uses."""
    interpreter = base.interpreter
    directories = [path for path in (interpreter.stdlib, interpreter.include) if path.is_dir()]
    return directories + (_package_directories(base) if with_packages else [])


def _add_tree(listing: Listing, base: Prefix, directory: Path, name: str) -> None:
    """List a directory of a base, to be named `name` in the archive."""
    stdlib = base.interpreter.stdlib
    rules = _Rules(_LEFT_OUT, _relative(stdlib, base.path))
    skip = _SITE_DIRECTORIES if directory == stdlib else ()
    for below, source in _followed(directory, skip):
        _add_or_exclude(listing, rules, f"{name}/{below}", source, base.own_paths)


def _followed(
    directory: Path, skip: Collection[str] = (), above: tuple[Path, ...] = ()
) -> Iterator[tuple[str, Path]]:
    """Yield the name and the source of each file in a directory of a base.

    A link that leads out of the directory is followed: the rest of the system is not shipped.
    `above` are the directories that were entered before.
    """
    entered = (*above, directory.resolve())
    for below in walk_files(directory, skip):
        source = directory / below
        if real := outer_directory(source, directory):
            if real not in entered:
                for name, file in _followed(real, above=entered):
                    yield f"{below}/{name}", file
        elif source.is_symlink() and source.exists() and not source.is_dir():
            yield below, source if _leads_into(source, directory) else source.resolve()
        else:
            yield below, source


def outer_directory(link: Path, directory: Path) -> Path | None:
    """Return the directory that a link leads to; None for any other path, for a link into
    `directory`, and for one to a directory above it."""
    if not link.is_symlink() or not link.is_dir() or _leads_into(link, directory):
        return None
    real = link.resolve()
    return None if directory.resolve().is_relative_to(real) else real


def _leads_into(link: Path, directory: Path) -> bool:
    return link.resolve().is_relative_to(directory.resolve())


def _add_or_exclude(
    listing: Listing, rules: _Rules, name: str, source: Path, roots: tuple[str, ...]
) -> None:
    reason = rules.reason(name)
    if reason is None:
        listing.add(name, source, roots)
    else:
        listing.exclude(reason, name, source)


def _link_interpreter(listing: Listing, interpreter: Interpreter) -> None:
    """Add those of `bin/pythonX.Y`, `bin/python3` and `bin/python` that are missing."""
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
    """Return the base's own libpython if its interpreter loads it."""
    program = Path(os.path.realpath(base.interpreter.executable))
    dynamic = read_dynamic(program.read_bytes())
    if dynamic is None or not any(library.startswith("libpython") for library in dynamic.needed):
        return []
    return sorted(base.path.glob("lib*/libpython*.so*"))


def _package_directory(base: Interpreter) -> str:
    """Return the directory below the library where an interpreter outside a venv looks for
    packages."""
    usual = f"lib/{base.program}/site-packages"
    if usual in base.site_directories:
        return usual
    library = f"lib/{base.program}/"
    others = [directory for directory in base.site_directories if directory.startswith(library)]
    if not others:
        raise PrefixError(
            f"{base.executable} looks for packages only in {', '.join(base.site_directories)}, "
            "where a venv's packages cannot be put. Use another Python for this environment."
        )
    return others[-1]


def inherits_packages(venv: Path) -> bool:
    """Return whether a venv was created with access to its base's packages."""
    lines = (venv / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").lower()
    return re.search(r"^\s*include-system-site-packages\s*=\s*true\s*$", lines, re.M) is not None


def _out_of_lib64(member: Member) -> Member:
    """Return a member of `lib64` as one of `lib`, for an archive in which lib64 is a link to lib.

    Fedora's Python has its library in lib64, and its venvs have that link.
    """
    if not member.name.startswith("lib64/"):
        return member
    name = "lib/" + member.name.removeprefix("lib64/")
    return Member(name, member.source, member.kind, member.mode, member.target)


def _relative(directory: Path, prefix: Path) -> str:
    try:
        return directory.relative_to(prefix).as_posix()
    except ValueError:
        raise PrefixError(
            f"The Python of {prefix} has its library in {directory}, outside the prefix. "
            "Use another Python for this environment."
        ) from None
