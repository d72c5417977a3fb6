"""What the cluster can give servers, from requests that all forms and starts share."""

from __future__ import annotations

from hadoop_client.yarn.records import Resource
from yarnspawner.hub.recent_answers import RecentAnswers


class Offers:
    """The most that a container may have, the node labels, and which environments exist."""

    def __init__(self) -> None:
        self.maximum = RecentAnswers[Resource | None]()
        self.node_labels = RecentAnswers[frozenset[str] | None]()
        self.is_published = RecentAnswers[bool]()
