"""A long list of application reports, each decoded only when somebody looks at it.

Ten thousand reports are a hundred thousand objects: it takes a third of a second to make them, and
as long again, in one piece, whenever Python's garbage collector goes through them. Encoded they are
ten thousand bytes objects that it never looks at, and most are replaced before anybody asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hadoop_client.wire import LENGTH
from hadoop_client.yarn.records import ApplicationId
from hadoop_client.yarn.reports import ApplicationReport

#: How a report begins, as fields are written by their numbers: with its application's id.
ID_TAG = 1 << 3 | LENGTH


class LazyApplicationReports(Mapping[str, ApplicationReport]):
    """Reports by the ids of their applications."""

    def __init__(self, encoded: Sequence[bytes]) -> None:
        self._by_id = {_id_of(report): report for report in encoded}

    def __getitem__(self, application_id: str) -> ApplicationReport:
        try:
            key = ApplicationId.parse(application_id).encode()
        except ValueError:
            raise KeyError(application_id) from None
        return ApplicationReport.decode(self._by_id[key])

    def __iter__(self) -> Iterator[str]:
        return (str(ApplicationId.decode(key)) for key in self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)


def _id_of(report: bytes) -> bytes:
    """Return the id as it is encoded; to decode it would be most of the work."""
    if len(report) < 2 or report[0] != ID_TAG:
        return ApplicationReport.decode(report).application_id.encode()
    return report[2 : 2 + report[1]]  # the tag, the size, which is a small one, and the id
