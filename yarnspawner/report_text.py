"""The text of YARN's reports: diagnostics, and the output of a container in them.

A server's user can choose the diagnostics: the application master runs as the user. So only a part
of long ones is searched, and patterns have no unlimited gap. Otherwise one text could keep the hub
busy for seconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hadoop_client.printable import printable
from yarnspawner.failures import MAX_OUTPUT

if TYPE_CHECKING:
    from hadoop_client.yarn.reports import ApplicationReport

#: The longest beginning and the longest end of diagnostics that are read, in characters. YARN's own
#: text with the end of a container's output is shorter.
MAX_PART = 8192

#: Begins the diagnostics of our application master after the server has ended.
OUTPUT_MARK = "The notebook server ended with "

STDERR = re.compile(r"Last \d+ bytes of stderr :\n(.+?)(?:\n\n|\nFor more detail|\Z)", re.DOTALL)

#: YARN's phrases on the same line as the cause.
AROUND_THE_CAUSE = re.compile(
    r"Failing this attempt\.(Diagnostics: )?(\[[^]]*\])?|For more detailed output.*"
)
NOISE = re.compile(r"\s*(at [\w.$]+\(|\.\.\. \d+ more|\. Failing)")


def diagnostics_of(report: ApplicationReport) -> str:
    """Return a report's diagnostics, without the middle of long ones."""
    text = report.diagnostics.strip()
    return text if len(text) <= 2 * MAX_PART else f"{text[:MAX_PART]}\n{text[-MAX_PART:]}"


def one_line(text: str) -> str:
    """Return the first line as a sentence, without the Java stack that may follow it.

    Control characters become visible.
    """
    line = printable(text.strip().partition("\n")[0].strip())
    return line if not line or line.endswith(".") else line + "."


def container_output(diagnostics: str) -> str:
    """Return the container's own output from the diagnostics of its end.

    If it wrote nothing, return YARN's message without Java's stack and YARN's set phrases.
    """
    stderr = STDERR.search(diagnostics)
    if stderr:
        return stderr[1].strip()[-MAX_OUTPUT:]
    lines = [line.rstrip() for line in AROUND_THE_CAUSE.sub("", diagnostics).splitlines()]
    return "\n".join(line for line in lines if line and not NOISE.match(line))[-MAX_OUTPUT:]
