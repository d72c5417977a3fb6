"""`fs.permissions.umask-mode`, which hdfs-native and libhdfs do not apply themselves."""

from __future__ import annotations

import errno
import re

from hadoop_client.configuration import Configuration, ConfigurationError

_UMASK = "fs.permissions.umask-mode"
_OCTAL = re.compile(r"\+?0*([0-7]{3})")
_SYMBOLIC = re.compile(r"([ugoa]*)([+=-])([rwx]*)")
_SHIFTS = {"u": 6, "g": 3, "o": 0}


def umask() -> int:
    """Return the bits that a new file or directory doesn't have: `fs.permissions.umask-mode`.
    OSError, EINVAL, where that is none, or can't be read."""
    try:
        found = Configuration.find()
        return parse_umask((found and found.get(_UMASK)) or "022")
    except ConfigurationError as error:
        raise OSError(errno.EINVAL, f"no new file can be made: {error}") from error


def parse_umask(text: str) -> int:
    """Return the umask that a site file has, as Hadoop reads it: `022` in octal, or in symbols
    what is left, `u=rwx,g=rx,o=rx`. OSError, EINVAL, for what is neither."""
    if octal := _OCTAL.fullmatch(text.strip()):
        return int(octal[1], 8)
    left = dict.fromkeys(_SHIFTS, 0)
    for clause in text.split(","):
        match = _SYMBOLIC.fullmatch(clause.strip())
        if match is None:
            raise OSError(
                errno.EINVAL,
                f"no new file can be made: {_UMASK} is {text!r} in Hadoop's configuration, which "
                "is no umask such as 022: correct it there",
            )
        whose = _SHIFTS if "a" in match[1] else match[1] or _SHIFTS
        bits = sum({"r": 4, "w": 2, "x": 1}[letter] for letter in set(match[3]))
        left |= dict.fromkeys(whose, 0 if match[2] == "-" else bits)  # there was nothing before
    return 0o777 & ~sum(bits << _SHIFTS[who] for who, bits in left.items())
