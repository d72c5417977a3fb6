"""Commands of Python that import nothing from the working directory before their program runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from hadoop_client.python_module import LEAVE_OUT_DIRECTORY, RUN_MODULE

#: The variables with lists of directories, in which an empty one is the working directory.
LISTS = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")

#: Takes the working directory off the path. `PYTHONPATH=/lib:` puts it there too.
_CLEAN = (
    LEAVE_OUT_DIRECTORY
    + "import os; sys.path[:] = [path for path in sys.path if path != os.getcwd()]; "
)

#: What `-m` and `-c` do, by these letters.
_RUN = {
    "m": RUN_MODULE,
    "c": "exec({!r})",
}

#: A word with options of the interpreter. `-m`, `-c`, `-W` and `-X` take what follows as their
#: value, or else the next word.
_OPTIONS = re.compile(r"-(?P<flags>[^-mcWX][^mcWX]*)?(?P<option>[mcWX])?(?P<value>.*)", re.DOTALL)

#: The only long option that a program can follow. Its value is always the next word.
_LONG_OPTION = "--check-hash-based-pycs"


def without_directory(argv: Sequence[str]) -> list[str]:
    """Return a command that runs the same, but without the working directory on Python's path.

    Commands other than `python -m` and `python -c` are returned as they are.
    """
    if not argv or not re.search(r"python[\d.]*t?$", argv[0]):
        return [*argv]
    words = iter(argv[1:])
    options: list[str] = []
    while word := next(words, None):
        if word == _LONG_OPTION:
            options += [word, *islice(words, 1)]
            continue
        if (split := _split(word, words)) is None:
            break
        flags, option, value = split
        options += [f"-{flags}"] if flags else []
        if option in _RUN:
            return [argv[0], *options, "-c", _CLEAN + _RUN[option].format(value), *words]
        options += [f"-{option}{value}"] if option else []
    return [*argv]


def _split(word: str, words: Iterator[str]) -> tuple[str, str, str] | None:
    """Split a word into flags, an option and its value; None if it has no options."""
    found = _OPTIONS.fullmatch(word)
    if found is None or word == "-" or word.startswith("--"):
        return None
    flags, option, value = (group or "" for group in found.groups())
    if option and not value:
        following = next(words, None)
        return None if following is None else (flags, option, following)
    return flags, option, value
