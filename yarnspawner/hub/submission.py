"""What identifies an application as the one that the hub submitted.

An application id proves nothing. YARN gives ids out in sequence, lets any user submit under an id
that it has not given out yet, and then answers the hub's own submit with success
(`ClientRMService.submitApplication`). No other user knows a start's random tag before the submit,
but everyone can read it afterwards, and an id is free again when YARN has purged the application
that had it. So a report counts only if the id, the tag and the user are those of the submit.
"""

from __future__ import annotations

from dataclasses import dataclass

from hadoop_client.security.delegation import short_name
from hadoop_client.yarn.reports import ApplicationReport


@dataclass(frozen=True)
class Submission:
    """One application as the hub submitted it.

    `application_id` is empty while the hub does not know it. `tag` is the tag of this start. `user`
    is the user as whom the hub submitted it, and `yarn_user` that user's name in YARN, which the
    cluster's `auth_to_local` rules may have changed; empty if it has not been seen yet.
    """

    application_id: str
    tag: str
    user: str
    yarn_user: str = ""

    def has_tag(self, report: ApplicationReport) -> bool:
        """Return whether a report carries the tag of this start.

        Right after the submit that is proof enough: no other user has seen the tag yet.
        """
        return self.tag in report.tags

    def matches(self, report: ApplicationReport) -> bool:
        """Return whether a report is about this application."""
        names = (self.yarn_user,) if self.yarn_user else (self.user, short_name(self.user))
        return self.has_tag(report) and report.user in names
