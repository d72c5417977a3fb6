"""Makes text of servers, YARN and other users safe for a log or a terminal.

A server chooses its last output, and any Hadoop user the names of their applications. Escape
sequences in them would move a terminal's cursor, and line breaks would forge lines of the hub's
log.
"""

from __future__ import annotations

import unicodedata

#: The longest text, in characters.
MAX_CHARACTERS = 4096

#: The control characters that text of several lines keeps.
LINES = "\n\t"


def printable(text: str, *, keep: str = "", limit: int | None = MAX_CHARACTERS) -> str:
    r"""Return the text with control and format characters as escapes, such as `\x1b`.

    Characters in `keep` stay. A text that is longer than `limit` is cut off and ends with "…".
    """
    shown = "".join(
        char if char in keep or _is_visible(char) else _escape(char) for char in text[:limit]
    )
    if limit is not None and max(len(text), len(shown)) > limit:
        return shown[: limit - 1] + "…"
    return shown


def _is_visible(char: str) -> bool:
    # `isprintable` is false for spaces such as the ideographic one.
    return char.isprintable() or unicodedata.category(char) == "Zs"


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
