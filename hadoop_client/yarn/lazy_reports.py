"""A long list of application reports, each decoded only when it is read.

Ten thousand reports are a hundred thousand objects. Making them takes a third of a second, and each
full run of Python's garbage collector pauses for as long. Encoded they are ten thousand bytes
objects, which the collector skips. Most are replaced by the next poll before they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hadoop_client.wire import LENGTH
from hadoop_client.yarn.records import ApplicationId
from hadoop_client.yarn.reports import ApplicationReport

__all__ = ["LazyApplicationReports"]

#: The first byte of a report: fields are encoded in order, the application id first.
ID_TAG = 1 << 3 | LENGTH


class LazyApplicationReports(Mapping[str, ApplicationReport]):
    """Application reports by application id. Each read decodes the report again."""

    def __init__(self, encoded: Sequence[bytes]) -> None:
        self._by_id = {_id_of(report): report for report in encoded}

    def without_larger_than(self, size: int) -> LazyApplicationReports:
        """Return the reports of up to `size` encoded bytes."""
        return LazyApplicationReports(
            [report for report in self._by_id.values() if len(report) <= size]
        )

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
    """Return the encoded id, without decoding the report."""
    if len(report) < 2 or report[0] != ID_TAG:
        return ApplicationReport.decode(report).application_id.encode()
    return report[2 : 2 + report[1]]  # tag, size (always one byte), id
