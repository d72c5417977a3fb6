"""The published environments in use, from the tags of the applications that have not ended.

An application that waits in a queue counts too: its node will fetch the archive later.
"""

from __future__ import annotations

from collections import Counter

from hadoop_client.yarn.records import ALIVE
from yarnhub.errors import ToolError, YarnError
from yarnhub.yarn import application_reports, yarn_client
from yarnspawner.tags import KEY_TAG


class UsageUnknownError(ToolError):
    """YARN did not report which applications run."""

    exit_code = 6


def used_keys() -> Counter[str]:
    """Count the applications that use each key. Raises UsageUnknownError."""
    try:
        with yarn_client() as client:
            reports = application_reports(client, ALIVE)
    except YarnError as error:
        raise UsageUnknownError(f"It is unknown which environments are in use. {error}") from error
    return Counter(
        tag.removeprefix(KEY_TAG)
        for report in reports
        for tag in report.tags
        if tag.startswith(KEY_TAG)
    )
