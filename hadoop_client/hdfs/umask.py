"""Reads `fs.permissions.umask-mode`, which hdfs-native and libhdfs do not apply."""

from __future__ import annotations

import errno
import re

from hadoop_client.configuration import Configuration, ConfigurationError

_UMASK = "fs.permissions.umask-mode"
_OCTAL = re.compile(r"\+?0*([0-7]{3})")
_SYMBOLIC = re.compile(r"([ugoa]*)([+=-])([rwx]*)")
_SHIFTS = {"u": 6, "g": 3, "o": 0}


def umask() -> int:
    """Return `fs.permissions.umask-mode`: the permissions that new files do not get.

    Raises OSError, EINVAL, if it is not a umask or the configuration cannot be read.
    """
    try:
        site = Configuration.find()
        return parse_umask((site and site.get(_UMASK)) or "022")
    except ConfigurationError as error:
        raise OSError(errno.EINVAL, f"no file can be created: {error}") from error


def parse_umask(text: str) -> int:
    """Parse a umask as Hadoop does: octal (`022`), or the permissions that remain
    (`u=rwx,g=rx,o=rx`). Raises OSError, EINVAL, for anything else."""
    if octal := _OCTAL.fullmatch(text.strip()):
        return int(octal[1], 8)
    allowed = dict.fromkeys(_SHIFTS, 0)
    for clause in text.split(","):
        match = _SYMBOLIC.fullmatch(clause.strip())
        if match is None:
            raise OSError(
                errno.EINVAL,
                f"no file can be created: {_UMASK} is {text!r} in Hadoop's configuration, which "
                "is not a umask such as 022: correct it there",
            )
        classes = _SHIFTS if "a" in match[1] else match[1] or _SHIFTS
        bits = sum({"r": 4, "w": 2, "x": 1}[letter] for letter in set(match[3]))
        allowed |= dict.fromkeys(classes, 0 if match[2] == "-" else bits)  # "+" adds to none
    return 0o777 & ~sum(bits << _SHIFTS[name] for name, bits in allowed.items())
