"""What YARN's refusals of an application mean. Pure.

A table maps each message of the ResourceManager's submission path, of the CapacityScheduler, of the
FairScheduler (Hadoop 2.10 to 3.5) and of a federation's router (3.4 and 3.5) to a sentence for the
user: the reason, with the queue, the limit and the user, and what the user or an administrator can
do.

Source: ClientRMService, RMAppManager, RMServerUtils, SchedulerUtils, DelegationTokenRenewer,
ZKRMStateStore, ServiceAuthorizationManager, and the packages `placement`, `scheduler.capacity` and
`scheduler.fair` of the ResourceManager; FederationClientInterceptor, RouterServerUtil and the
package `federation.policies` of the router.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from yarnspawner.failures import (
    ApplicationFailedError,
    ImpersonationError,
    OptionsError,
    QueueError,
    SpawnError,
)
from yarnspawner.launch.amounts import amount_of, amount_text, resource_text

#: What stands before the message of a refusal: Java's exceptions, and the sentence of a caller.
AROUND = re.compile(
    r"(?:[\w.$]+\.\w*Exception: |Failed to submit \w+ to YARN : "
    r"|Failed to submit application \S+ (?:submitted by user \S+ )?reason: "
    r"|Error assigning app to a queue: )+"
)


#: The longest part of a message that is compared, in characters.
MAX_COMPARED = 2000


@dataclass(frozen=True)
class Refusal:
    """Messages of Hadoop, and the error that they mean.

    `message` is a regular expression for the begin of the message. Its groups fill in the
    `sentence`.
    """

    message: str
    error: type[SpawnError]
    sentence: str


REFUSALS = (
    # -- the queue -------------------------------------------------------------------------------
    Refusal(
        r"Application \w+ subm.* to unknown queue: (?P<queue>.+)"
        r"|Queue '(?P<queue_>.+)' does not exist"
        r"|Could not find queue for application : (?P<queue__>.+)",
        QueueError,
        "there is no queue {queue}. Choose another queue, or ask an administrator to create it.",
    ),
    Refusal(
        r"Application \w+ subm.* to ambiguous queue: (?P<queue>.+) please use full queue path"
        r"|Ambiguous queue reference: (?P<queue_>.+) please use full queue path",
        QueueError,
        "several queues are named {queue}. Choose another queue, or ask an administrator to set "
        "the full path of this one.",
    ),
    Refusal(
        r"(?:Application \w+|Cannot) subm.* to non-leaf queue ?: (?P<queue>.+)"
        r"|(?P<queue_>.+) is not a leaf queue$",
        QueueError,
        "queue {queue} is divided into other queues. Choose one of these, or ask an administrator "
        "to set one.",
    ),
    Refusal(
        r"Queue (?P<queue>.+) is STOPPED\. Cannot accept submission",
        QueueError,
        "queue {queue} is stopped. Choose another queue, or ask an administrator to start it.",
    ),
    Refusal(
        r"User (?P<user>\S+) does not have permission to submit \w+ to queue "
        r"(?P<queue>.+?)(?: denied by ACL for queue .+)?$"
        r"|User (?P<user_>\S+) cannot submit applications to queue (?P<queue_>.+?)\(",
        QueueError,
        "{user} may not submit to queue {queue}. Choose another queue, or ask an administrator for "
        "access to this one.",
    ),
    Refusal(
        r"Queue (?P<queue>.+) already has (?P<number>\d+) applications from user (?P<user>\S+) "
        r"cannot accept",
        QueueError,
        "{user} has {number} applications in queue {queue}, which accepts no more. Stop one, "
        "choose another queue, or ask an administrator to raise the limit.",
    ),
    Refusal(
        r"Queue (?P<queue>.+) already has (?P<number>\d+) applications, ?cannot accept",
        QueueError,
        "queue {queue} has {number} applications and accepts no more. Try again later, choose "
        "another queue, or ask an administrator to raise its maximum-applications.",
    ),
    Refusal(
        r"Maximum system application limit reached",
        QueueError,
        "the cluster accepts no more applications. Try again later, or ask an administrator to "
        "raise yarn.scheduler.capacity.maximum-applications.",
    ),
    Refusal(
        r"Cannot submit application \w+ to queue (?P<queue>.+) because it has zero amount of "
        r"resource .*maximum queue resources: (?P<maximum><.*>)",
        QueueError,
        "queue {queue} has none of a resource that the server requests: it has at most {maximum}. "
        "Choose another queue, or ask an administrator to raise its maxResources.",
    ),
    # -- queues that YARN creates, and placement rules ---------------------------------------------
    Refusal(
        r"Application \w+ subm.* to specified queue : (?P<queue>.+?) +is prohibited",
        QueueError,
        "no mapping rule of YARN leads {user} to queue {queue}, which accepts no other "
        "applications. Choose another queue, or ask an administrator for a rule "
        "(yarn.scheduler.capacity.queue-mappings).",
    ),
    Refusal(
        r"Auto created Leaf queue (?P<queue>.+) already exists under queue : (?P<parent>.+?)\. ?"
        r"But .* a different parent queue : (?P<other>.+) for the specified user : (?P<user>\S+)",
        QueueError,
        "queue {queue} of {user} is below {parent}, but the mapping rule now names {other}. Ask an "
        "administrator to delete the old queue.",
    ),
    Refusal(
        r"Application \w+ subm.* failed : Cannot auto create (?:leaf )?queue (?P<queue>.+?)\. ?"
        r"Max Child Queue limit exceeded which is configured as ?: (?P<limit>\d+)",
        QueueError,
        "YARN did not create queue {queue}, because its parent has the maximum of {limit} queues. "
        "Choose another queue, or ask an administrator to raise the maximum.",
    ),
    Refusal(
        r"Application \w+ subm.* failed : Cannot auto create leaf queue (?P<queue>.+?)\. ?"
        r"Child queues capacities have reached parent queue : (?P<parent>.+)'s guaranteed capacity",
        QueueError,
        "YARN did not create queue {queue}, because the queues below {parent} have all of its "
        "capacity. Choose another queue, or ask an administrator to raise the capacity.",
    ),
    Refusal(
        r"Application \w+ submission by user : (?P<user>\S+) to +queue : (?P<queue>.+?) failed : "
        r"(?P<reason>.+?)\.?$",
        QueueError,
        "YARN could not create queue {queue} for {user}: {reason}. Choose another queue, or ask an "
        "administrator to correct the queues.",
    ),
    Refusal(
        r"Application submission have been rejected by a mapping rule"
        r"|Reject application \w+ submitted by user (?P<user>\S+) application rejected by placement"
        r"|Application rejected by queue placement policy",
        QueueError,
        "a placement rule of YARN rejects it for {user}. Choose another queue, or ask an "
        "administrator for a rule that accepts it.",
    ),
    Refusal(
        r"Unable to match app \w+ to a queue placement policy",
        QueueError,
        "no placement rule of YARN gives {user} a queue. Ask an administrator to add a terminal "
        "rule to the fair scheduler's queuePlacementPolicy.",
    ),
    Refusal(
        r"No groups (?:found|returned) for user (?P<user>\S+)|Group resolution failed",
        QueueError,
        "its placement rules need a group of {user}, and the ResourceManager found none. Ask an "
        "administrator to give the ResourceManager's host the user's groups.",
    ),
    Refusal(
        r"Failed to get where to place application=|Failed to place application \w+ (?:to|in a) "
        r"queue and |Reject application \w+ submitted by user \S+ with an empty queue name",
        QueueError,
        "no queue is set, and no placement rule of YARN gives one. Choose a queue, or ask an "
        "administrator to set c.YarnSpawner.queue.",
    ),
    Refusal(
        r"Reject application \w+ submitted by user \S+ with an illegal queue name (?P<queue>.+?)\. "
        r"The queue name cannot|Illegal node name at offset \d+ for queue name (?P<queue_>.+)"
        r"|Application submitted by user \S+ ?with illegal queue name '(?P<queue__>.*)'",
        QueueError,
        "{queue} cannot be the name of a queue. Choose another queue, or ask an administrator to "
        "correct the name.",
    ),
    # -- resources, labels, priority, lifetime -----------------------------------------------------
    Refusal(
        r"Invalid resource request(?:, requested resource type=\[(?P<type>[^]]*)\] < 0 or greater "
        r"than maximum allowed allocation\. |! Cannot allocate containers as requested resource is "
        r"greater than maximum allowed allocation\. Requested resource type=\[(?P<type_>[^]]*)\], )"
        r"Requested resource=(?P<requested><[^>]*>), maximum allowed allocation=(?P<most><[^>]*>)",
        OptionsError,
        "the server requests {requested}, but YARN gives at most {most} to one container in this "
        "queue. Request less, or choose another queue.",
    ),
    Refusal(
        r"Invalid resource request, queue=(?P<queue>.+) doesn't have permission to access all "
        r"labels in resource request\. labelExpression of resource request=(?P<label>.+?)\. Queue ",
        OptionsError,
        "queue {queue} has no access to nodes with the label {label}. Choose another queue, or ask "
        "an administrator to give this one access to the label.",
    ),
    Refusal(
        r"Invalid label resource request, cluster do not contain , label= (?P<label>.+)",
        OptionsError,
        "the cluster has no node label {label}. Ask an administrator to correct "
        "c.YarnSpawner.node_label.",
    ),
    Refusal(
        r"Invalid resource request, node label not enabled but request contains label",
        OptionsError,
        "the cluster has no node labels. Ask an administrator to unset c.YarnSpawner.node_label, "
        "or to set yarn.node-labels.enabled.",
    ),
    Refusal(
        r"Invalid resource request, queue=.+ specified more than one node label in a node label "
        r"expression, node label expression = (?P<label>.+)",
        OptionsError,
        "the node label {label} consists of several, and YARN accepts one. Ask an administrator to "
        "correct c.YarnSpawner.node_label.",
    ),
    Refusal(
        r"User (?P<user>\S+) does not have permission to submit/update \w+ for \{?Priority: "
        r"(?P<priority>-?\d+)",
        OptionsError,
        "{user} may not use the priority {priority}. Ask an administrator to lower "
        "c.YarnSpawner.priority, or to allow it in the queue's acl_application_max_priority.",
    ),
    Refusal(
        r"Invalid application timeout, value=(?P<seconds>-?\d+) for type=",
        OptionsError,
        "a lifetime of {seconds} seconds is too short. Ask an administrator to correct "
        "c.YarnSpawner.lifetime.",
    ),
    # -- the router of a federation of clusters ----------------------------------------------------
    Refusal(
        r"The policy configured for this queue \((?P<queue>.+)\) reject all routing requests",
        QueueError,
        "YARN's router sends no application of queue {queue} to a cluster. Choose another queue, "
        "or ask an administrator to change the router's policy for this one.",
    ),
    Refusal(
        r"No active SubCluster available to submit the request",
        ApplicationFailedError,
        "YARN's router finds no active cluster. Try again later, or ask an administrator to look "
        "into the router's log.",
    ),
    Refusal(
        r"Application .+ with appId (?P<id>\w+) failed to be submitted"
        r"|Unable to \w+ the ApplicationId (?P<id_>\w+) into the FederationStateStore",
        ApplicationFailedError,
        "YARN's router did not submit {id} to a cluster. Try again later, or ask an administrator "
        "to look into the router's log.",
    ),
    Refusal(
        r"The size of the ApplicationSubmissionContext of the application \w+ is above the limit",
        OptionsError,
        "the launch is larger than YARN's router accepts. Ask an administrator to shorten "
        "c.YarnSpawner.environment and the local files of c.YarnSpawner.localize_files, or to "
        "raise yarn.router.asc-interceptor-max-size.",
    ),
    # -- the application itself --------------------------------------------------------------------
    Refusal(
        r"Too many applicationTags, a maximum of only (?P<limit>\d+) are allowed",
        OptionsError,
        "it accepts {limit} tags for an application. Ask an administrator to remove some of "
        "c.YarnSpawner.tags.",
    ),
    Refusal(
        r"Tag (?P<tag>.+) is too long, maximum allowed length of a tag is (?P<limit>\d+)",
        OptionsError,
        "the tag {tag} is longer than {limit} characters. Ask an administrator to shorten it "
        "(c.YarnSpawner.tags).",
    ),
    Refusal(
        r"A tag can only have ASCII characters! Invalid tag - (?P<tag>.+)",
        OptionsError,
        "the tag {tag} has characters outside of ASCII. Ask an administrator to change it "
        "(c.YarnSpawner.tags).",
    ),
    Refusal(
        r"Application \w+ exceeds the maximum allowed size for application data",
        OptionsError,
        "the launch is larger than the ResourceManager can store. Ask an administrator to shorten "
        "c.YarnSpawner.environment and the local files of c.YarnSpawner.localize_files, or to "
        "raise yarn.resourcemanager.zk-max-znode-size.bytes.",
    ),
    Refusal(
        r"Application with id (?P<id>\w+) is already present! Cannot add a duplicate",
        ApplicationFailedError,
        "another application has the id {id}. Start the server again.",
    ),
    Refusal(
        r"Failed to renew token: Kind: (?P<kind>\S+), Service: (?P<service>\S+),",
        ApplicationFailedError,
        "the ResourceManager could not renew the {kind} of {user} at {service}. Ask an "
        "administrator to look into the ResourceManager's log.",
    ),
    Refusal(
        r"User (?P<user>\S+).* is not authorized for protocol ",
        ImpersonationError,
        "{user} may not use YARN. Ask an administrator for access "
        "(security.applicationclient.protocol.acl in hadoop-policy.xml).",
    ),
    Refusal(
        r"Host (?P<host>\S+) is not authorized for protocol ",
        ImpersonationError,
        "JupyterHub's host {host} may not use YARN. Ask an administrator for access "
        "(security.applicationclient.protocol.hosts in hadoop-policy.xml).",
    ),
)

_PATTERNS = [(re.compile(refusal.message), refusal) for refusal in REFUSALS]


def explain(message: str, user: str) -> SpawnError | None:
    """Return what a refusal of YARN means for the application of `user`; None if it is unknown."""
    reason = strip(message)
    for pattern, refusal in _PATTERNS:
        match = pattern.match(reason)
        if match is not None:
            values = {"user": user, **_values(match)}
            return refusal.error(
                "YARN rejected the submission: " + refusal.sentence.format_map(values)
            )
    return None


def strip(message: str) -> str:
    """Return the first line of a message without what Java and callers put before it."""
    line = message.strip().partition("\n")[0][:MAX_COMPARED]
    around = AROUND.match(line)
    return line[around.end() :] if around else line


def _values(match: re.Match[str]) -> dict[str, str]:
    """Return the groups that took part. Alternatives of one name differ in underscores."""
    values = {name.rstrip("_"): text for name, text in match.groupdict().items() if text}
    if "type" in values:
        for name in ("requested", "most"):
            values[name] = amount_text(values["type"], amount_of(values["type"], values[name]))
    if "maximum" in values:
        values["maximum"] = resource_text(values["maximum"])
    return values
