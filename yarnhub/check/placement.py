"""Whether YARN may put an application into another queue than the one that it names.

Placement rules and queues that YARN creates are configured on the ResourceManager, which tells them
to administrators only. A copy of its capacity-scheduler.xml on this machine shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hadoop_client.configuration import Configuration, ConfigurationError

SCHEDULER_FILE = "capacity-scheduler.xml"

#: Any value of one of these is a rule.
RULES = (
    "yarn.scheduler.queue-placement-rules",
    "yarn.scheduler.queue-placement-rules.app-name",
    "yarn.scheduler.capacity.queue-mappings",
    "yarn.scheduler.capacity.mapping-rule-json",
    "yarn.scheduler.capacity.mapping-rule-file",
)

#: The ends of the properties with which a queue lets YARN create queues below it.
CREATION = (".auto-create-child-queue.enabled", ".auto-queue-creation-v2.enabled")


def may_choose_queue(configuration: Configuration, directory: Path) -> bool:
    """Return whether YARN may choose the queue; also True if that is not known.

    `directory` is that of the site files.
    """
    if "fair" in (configuration.get("yarn.resourcemanager.scheduler.class") or "").lower():
        return True  # It has rules by default, and creates queues.
    try:
        scheduler = Configuration.load(directory, files=(SCHEDULER_FILE,))
    except ConfigurationError:
        return True
    return has_rules({**configuration.properties(), **scheduler.properties()})


def has_rules(properties: Mapping[str, str]) -> bool:
    """Return whether these properties have placement rules or let YARN create queues."""
    return any(properties.get(rule, "").strip() for rule in RULES) or any(
        name.endswith(CREATION) and value.strip().lower() == "true"
        for name, value in properties.items()
    )
