"""Hadoop's messages of refusals, from the sources of the versions beside them, with values put in.

Each has the sentence that a user reads instead of it.
"""

from __future__ import annotations

APP = "application_1700000000000_0001"

QUEUES = [
    (  # 2.10 to 3.5, CapacityScheduler
        f"Application {APP} submitted by user alice to unknown queue: nope",
        "there is no queue nope. Choose another queue, or ask an administrator to create it.",
    ),
    (  # 3.5, CapacityScheduler.checkAndGetApplicationLifetime
        f"Application {APP} submitted by user aliceApplication {APP} submitted by user alice to "
        "unknown queue: nope",
        "there is no queue nope. Choose another queue, or ask an administrator to create it.",
    ),
    (  # 3.1 to 3.5, RMAppAttemptImpl
        "Could not find queue for application : root.nope",
        "there is no queue root.nope. Choose another queue, or ask an administrator to create it.",
    ),
    (  # skein's driver
        "Queue 'nope' does not exist",
        "there is no queue nope. Choose another queue, or ask an administrator to create it.",
    ),
    (  # 3.3 to 3.5, CapacityScheduler
        f"Application {APP} submitted by user alice to ambiguous queue: lab please use full queue "
        "path instead.",
        "several queues are named lab. Choose another queue, or ask an administrator to set the "
        "full path of this one.",
    ),
    (  # 3.3 to 3.5, CapacityScheduler.getQueueInfo
        "Ambiguous queue reference: lab please use full queue path instead.",
        "several queues are named lab. Choose another queue, or ask an administrator to set the "
        "full path of this one.",
    ),
    (  # 2.10, CapacityScheduler
        f"Application {APP} submitted by user alice to non-leaf queue: teams",
        "queue teams is divided into other queues. Choose one of these, or ask an administrator "
        "to set one.",
    ),
    (  # 3.1 to 3.5, CapacityScheduler
        f"Application {APP} submitted by user : alice to non-leaf queue : teams",
        "queue teams is divided into other queues. Choose one of these, or ask an administrator "
        "to set one.",
    ),
    (  # 2.10 to 3.5, ParentQueue, AbstractParentQueue
        "org.apache.hadoop.security.AccessControlException: Cannot submit application to non-leaf "
        "queue: teams",
        "queue teams is divided into other queues. Choose one of these, or ask an administrator "
        "to set one.",
    ),
    (  # 2.10 to 3.5, FairScheduler
        "root.teams is not a leaf queue",
        "queue root.teams is divided into other queues. Choose one of these, or ask an "
        "administrator to set one.",
    ),
    (  # 2.10 to 3.5, LeafQueue, ParentQueue
        "org.apache.hadoop.security.AccessControlException: Queue root.lab is STOPPED. Cannot "
        f"accept submission of application: {APP}",
        "queue root.lab is stopped. Choose another queue, or ask an administrator to start it.",
    ),
    (  # 2.10 to 3.5, RMAppManager with the CapacityScheduler
        "org.apache.hadoop.security.AccessControlException: User alice does not have permission to "
        f"submit {APP} to queue prod",
        "alice may not submit to queue prod. Choose another queue, or ask an administrator for "
        "access to this one.",
    ),
    (  # 3.3 to 3.5, RMAppManager with the FairScheduler
        "org.apache.hadoop.security.AccessControlException: User alice does not have permission to "
        f"submit {APP} to queue root.prod.a denied by ACL for queue root.prod",
        "alice may not submit to queue root.prod.a. Choose another queue, or ask an administrator "
        "for access to this one.",
    ),
    (  # 2.10 to 3.2, FairScheduler
        "User alice cannot submit applications to queue root.prod(requested queuename is prod)",
        "alice may not submit to queue root.prod. Choose another queue, or ask an administrator "
        "for access to this one.",
    ),
    (  # 2.10 to 3.5, LeafQueue
        "org.apache.hadoop.security.AccessControlException: Queue root.lab already has 2 "
        f"applications from user alice cannot accept submission of application: {APP}",
        "alice has 2 applications in queue root.lab, which accepts no more. Stop one, choose "
        "another queue, or ask an administrator to raise the limit.",
    ),
    (  # 2.10 to 3.5, LeafQueue
        "org.apache.hadoop.security.AccessControlException: Queue root.lab already has 10 "
        f"applications, cannot accept submission of application: {APP}",
        "queue root.lab has 10 applications and accepts no more. Try again later, choose another "
        "queue, or ask an administrator to raise its maximum-applications.",
    ),
    (  # 2.10 to 3.5, CapacityScheduler
        f"Maximum system application limit reached,cannot accept submission of application: {APP}",
        "the cluster accepts no more applications. Try again later, or ask an administrator to "
        "raise yarn.scheduler.capacity.maximum-applications.",
    ),
    (  # 3.2 to 3.5, FairScheduler
        f"Cannot submit application {APP} to queue root.lab because it has zero amount of resource "
        "for a requested resource! Invalid requested AM resources: "
        "[MaxResourceValidationResult{resourceRequest={}, invalidResources=[]}], maximum queue "
        "resources: <memory:8192, vCores:0>",
        "queue root.lab has none of a resource that the server requests: it has at most 8 GiB of "
        "memory, 0 cores. Choose another queue, or ask an administrator to raise its maxResources.",
    ),
]
PLACEMENT = [
    (  # 3.1 to 3.5, CapacityScheduler
        f"Application {APP} submission by user : alice to specified queue : bob  is prohibited. "
        "Verify automatic queue mapping for user exists in yarn.scheduler.capacity.queue-mappings",
        "no mapping rule of YARN leads alice to queue bob, which accepts no other applications. "
        "Choose another queue, or ask an administrator for a rule "
        "(yarn.scheduler.capacity.queue-mappings).",
    ),
    (  # 3.1 and 3.2, CapacityScheduler; 3.3 to 3.5 have a space before "But"
        "Auto created Leaf queue alice already exists under queue : users.But Queue mapping "
        "configuration yarn.scheduler.capacity.queue-mappings has been updated to a different "
        "parent queue : teams for the specified user : alice",
        "queue alice of alice is below users, but the mapping rule now names teams. Ask an "
        "administrator to delete the old queue.",
    ),
    (  # 3.1 to 3.5, CapacityScheduler with ManagedParentQueue
        f"Application {APP} submission by user : alice to  queue : alice failed : Cannot auto "
        "create leaf queue root.users.alice.Max Child Queue limit exceeded which is configured as "
        ": 1000 and number of child queues is : 1000",
        "YARN did not create queue root.users.alice, because its parent has the maximum of 1000 "
        "queues. Choose another queue, or ask an administrator to raise the maximum.",
    ),
    (  # 3.4 and 3.5, CapacityScheduler with ParentQueue
        f"Application {APP} submission by user : alice to  queue : alice failed : Cannot auto "
        "create queue root.users.alice. Max Child Queue limit exceeded which is configured as: 5 "
        "and number of child queues is: 5",
        "YARN did not create queue root.users.alice, because its parent has the maximum of 5 "
        "queues. Choose another queue, or ask an administrator to raise the maximum.",
    ),
    (  # 3.1 to 3.5, CapacityScheduler with ManagedParentQueue
        f"Application {APP} submission by user : alice to  queue : alice failed : Cannot auto "
        "create leaf queue root.users.alice. Child queues capacities have reached parent queue : "
        "root.users's guaranteed capacity",
        "YARN did not create queue root.users.alice, because the queues below root.users have all "
        "of its capacity. Choose another queue, or ask an administrator to raise the capacity.",
    ),
    *(
        (
            f"Application {APP} submission by user : alice to  queue : root.a.b failed : {reason}.",
            f"YARN could not create queue root.a.b for alice: {reason}. Choose another queue, or "
            "ask an administrator to correct the queues.",
        )
        for reason in [
            # 3.1 to 3.5
            "Could not auto-create leaf queue for b. Queue mapping does not specify which parent "
            "queue it needs to be created under",
            # 3.1 to 3.3
            "Could not auto-create leaf queue for b. Queue mapping specifies an invalid parent "
            "queue which does not exist a",
            # 3.4 and 3.5
            "Auto creation of queue root.a.b is not enabled under parent root.a",
            "Could not auto create queue root.a.b. The distance of the LeafQueue from the first "
            "static ParentQueue is 3, which is above the limit",
            "Could not auto create hierarchy of root.a.b. Queue root.a is not a ParentQueue",
            "Could not auto-create queue b due to ParentQueue a being ambiguous",
            "Can not auto create queue b due to missing ParentQueue path",
        ]
    ),
    (  # 3.4 and 3.5, CSMappingPlacementRule
        "Application submission have been rejected by a mapping rule. Please see the logs for "
        "details",
        "a placement rule of YARN rejects it for alice. Choose another queue, or ask an "
        "administrator for a rule that accepts it.",
    ),
    (  # 3.3 to 3.5, FairScheduler
        f"Reject application {APP} submitted by user alice application rejected by placement "
        "rules.",
        "a placement rule of YARN rejects it for alice. Choose another queue, or ask an "
        "administrator for a rule that accepts it.",
    ),
    (  # 2.10 to 3.2, FairScheduler
        "Application rejected by queue placement policy",
        "a placement rule of YARN rejects it for alice. Choose another queue, or ask an "
        "administrator for a rule that accepts it.",
    ),
    (  # 2.10 to 3.2, FairScheduler
        f"Unable to match app {APP} to a queue placement policy, and no valid terminal queue  "
        "placement rule is configured. Please contact an administrator  to confirm that the fair "
        "scheduler configuration contains a  valid terminal queue placement rule.",
        "no placement rule of YARN gives alice a queue. Ask an administrator to add a terminal "
        "rule to the fair scheduler's queuePlacementPolicy.",
    ),
    *(
        (
            message,
            "its placement rules need a group of alice, and the ResourceManager found none. Ask an "
            "administrator to give the ResourceManager's host the user's groups.",
        )
        for message in [
            # 2.10 to 3.2, FairScheduler
            "Error assigning app to a queue: No groups returned for user alice",
            # 2.10 to 3.3, UserGroupMappingPlacementRule, with the exception of Groups
            f"Failed to submit application {APP} submitted by user alice reason: No groups found "
            "for user alice",
            # 3.3 to 3.5, PrimaryGroupPlacementRule and SecondaryGroupExistingPlacementRule
            "No groups returned for user alice",
            "Group resolution failed",
        ]
    ),
    *(
        (
            message,
            "no queue is set, and no placement rule of YARN gives one. Choose a queue, or ask an "
            "administrator to set c.YarnSpawner.queue.",
        )
        for message in [
            f"Failed to get where to place application={APP}",  # 2.10
            # 3.1 and 3.2
            f"Failed to place application {APP} to queue and specified queue is invalid : ",
            # 3.3 to 3.5
            f"Failed to place application {APP} in a queue and submit context queue is null or "
            "empty",
            # 2.10 to 3.2, FairScheduler
            f"Reject application {APP} submitted by user alice with an empty queue name.",
        ]
    ),
    *(
        (
            message,
            ".lab cannot be the name of a queue. Choose another queue, or ask an administrator to "
            "correct the name.",
        )
        for message in [
            # 2.10 to 3.2, FairScheduler
            f"Reject application {APP} submitted by user alice with an illegal queue name .lab. "
            "The queue name cannot start/end with period.",
            # 2.10 to 3.5, QueueManager of the FairScheduler
            "Illegal node name at offset 1 for queue name .lab",
            # 3.3 to 3.5, SpecifiedPlacementRule
            "Application submitted by user alicewith illegal queue name '.lab'.",
        ]
    ),
]
RESOURCES = [
    (  # 2.10 and 3.1, SchedulerUtils
        "Invalid resource request, requested resource type=[memory-mb] < 0 or greater than maximum "
        "allowed allocation. Requested resource=<memory:524288, vCores:1>, maximum allowed "
        "allocation=<memory:6144, vCores:4>, please note that maximum allowed allocation is "
        "calculated by scheduler based on maximum resource of registered NodeManagers, which might "
        "be less than configured maximum allocation=<memory:8192, vCores:4>",
        "the server requests 512 GiB of memory, but YARN gives at most 6 GiB of memory to one "
        "container in this queue. Request less, or choose another queue.",
    ),
    (  # 3.2 to 3.5, InvalidResourceRequestException
        "Invalid resource request! Cannot allocate containers as requested resource is greater "
        "than maximum allowed allocation. Requested resource type=[vcores], Requested "
        "resource=<memory:1024, vCores:8>, maximum allowed allocation=<memory:6144, vCores:1>, "
        "please note that maximum allowed allocation is calculated by scheduler based on maximum "
        "resource of registered NodeManagers, which might be less than configured maximum "
        "allocation=<memory:6144, vCores:1>",
        "the server requests 8 cores, but YARN gives at most 1 core to one container in this "
        "queue. Request less, or choose another queue.",
    ),
    (  # 3.2 to 3.5, InvalidResourceRequestException
        "Invalid resource request! Cannot allocate containers as requested resource is greater "
        "than maximum allowed allocation. Requested resource type=[yarn.io/gpu], Requested "
        "resource=<memory:1024, vCores:1, yarn.io/gpu: 1>, maximum allowed "
        "allocation=<memory:6144, vCores:4>, please note that maximum allowed allocation is "
        "calculated by scheduler based on maximum resource of registered NodeManagers, which might "
        "be less than configured maximum allocation=<memory:6144, vCores:4>",
        "the server requests 1 GPU, but YARN gives at most 0 GPUs to one container in this queue. "
        "Request less, or choose another queue.",
    ),
    (  # 2.10 to 3.5, SchedulerUtils
        "Invalid resource request, queue=lab doesn't have permission to access all labels in "
        "resource request. labelExpression of resource request=gpu. Queue labels=big,small",
        "queue lab has no access to nodes with the label gpu. Choose another queue, or ask an "
        "administrator to give this one access to the label.",
    ),
    (  # 2.10 to 3.5, SchedulerUtils
        "Invalid label resource request, cluster do not contain , label= gpu",
        "the cluster has no node label gpu. Ask an administrator to correct "
        "c.YarnSpawner.node_label.",
    ),
    (  # 2.10 to 3.5, SchedulerUtils
        "Invalid resource request, node label not enabled but request contains label expression",
        "the cluster has no node labels. Ask an administrator to unset c.YarnSpawner.node_label, "
        "or to set yarn.node-labels.enabled.",
    ),
    (  # 2.10 to 3.5, SchedulerUtils
        "Invalid resource request, queue=lab specified more than one node label in a node label "
        "expression, node label expression = gpu && big",
        "the node label gpu && big consists of several, and YARN accepts one. Ask an administrator "
        "to correct c.YarnSpawner.node_label.",
    ),
    (  # 2.10 to 3.5, CapacityScheduler
        "org.apache.hadoop.security.AccessControlException: User alice does not have permission to "
        f"submit/update {APP} for {{Priority: 9}}",
        "alice may not use the priority 9. Ask an administrator to lower c.YarnSpawner.priority, "
        "or to allow it in the queue's acl_application_max_priority.",
    ),
    (  # 2.10 to 3.5, RMServerUtils
        "Invalid application timeout, value=0 for type=LIFETIME",
        "a lifetime of 0 seconds is too short. Ask an administrator to correct "
        "c.YarnSpawner.lifetime.",
    ),
    (  # 2.10 to 3.5, ClientRMService
        "java.lang.IllegalArgumentException: Too many applicationTags, a maximum of only 10 are "
        "allowed!",
        "it accepts 10 tags for an application. Ask an administrator to remove some of "
        "c.YarnSpawner.tags.",
    ),
    (  # 2.10 to 3.5, ClientRMService
        "java.lang.IllegalArgumentException: Tag long tag is too long, maximum allowed length of a "
        "tag is 100",
        "the tag long tag is longer than 100 characters. Ask an administrator to shorten it "
        "(c.YarnSpawner.tags).",
    ),
    (  # 2.10 to 3.5, ClientRMService
        "java.lang.IllegalArgumentException: A tag can only have ASCII characters! Invalid tag - é",
        "the tag é has characters outside of ASCII. Ask an administrator to change it "
        "(c.YarnSpawner.tags).",
    ),
    (  # 2.10 to 3.5, ZKRMStateStore
        f"Application {APP} exceeds the maximum allowed size for application data. See "
        "yarn.resourcemanager.zk-max-znode-size.bytes.",
        "the launch is larger than the ResourceManager can store. Ask an administrator to shorten "
        "c.YarnSpawner.environment and the local files of c.YarnSpawner.localize_files, or to "
        "raise yarn.resourcemanager.zk-max-znode-size.bytes.",
    ),
]
APPLICATION = [
    (  # 2.10 to 3.5, RMAppManager
        f"Application with id {APP} is already present! Cannot add a duplicate!",
        f"another application has the id {APP}. Start the server again.",
    ),
    (  # 2.10 to 3.5, DelegationTokenRenewer
        "Failed to renew token: Kind: HDFS_DELEGATION_TOKEN, Service: 10.0.0.1:8020, Ident: "
        "(token for alice: HDFS_DELEGATION_TOKEN owner=alice@EXAMPLE.COM, renewer=yarn)",
        "the ResourceManager could not renew the HDFS_DELEGATION_TOKEN of alice at 10.0.0.1:8020. "
        "Ask an administrator to look into the ResourceManager's log.",
    ),
]
NOT_ALLOWED = [
    (  # 2.10 to 3.5, ServiceAuthorizationManager
        "User alice (auth:PROXY) via jupyterhub (auth:SIMPLE) is not authorized for protocol "
        "interface org.apache.hadoop.yarn.api.ApplicationClientProtocolPB: denied by configured "
        "ACL",
        "alice may not use YARN. Ask an administrator for access "
        "(security.applicationclient.protocol.acl in hadoop-policy.xml).",
    ),
    (  # 2.10 to 3.5, ServiceAuthorizationManager
        "Host 10.0.0.9 is not authorized for protocol interface "
        "org.apache.hadoop.yarn.api.ApplicationClientProtocolPB",
        "JupyterHub's host 10.0.0.9 may not use YARN. Ask an administrator for access "
        "(security.applicationclient.protocol.hosts in hadoop-policy.xml).",
    ),
]
ROUTER_QUEUES = [
    (  # 3.4 and 3.5, RejectRouterPolicy
        "The policy configured for this queue (lab) reject all routing requests by construction. "
        "Application in lab cannot be routed to any RM.",
        "YARN's router sends no application of queue lab to a cluster. Choose another queue, or "
        "ask an administrator to change the router's policy for this one.",
    ),
]
ROUTER = [
    (  # 3.4 and 3.5, FederationPolicyUtils
        "No active SubCluster available to submit the request.",
        "YARN's router finds no active cluster. Try again later, or ask an administrator to look "
        "into the router's log.",
    ),
    (  # 3.4 and 3.5, FederationClientInterceptor: also if a ResourceManager has refused it
        f"Application jupyterhub-alice with appId {APP} failed to be submitted.",
        f"YARN's router did not submit {APP} to a cluster. Try again later, or ask an "
        "administrator to look into the router's log.",
    ),
    (  # 3.4 and 3.5, FederationClientInterceptor
        f"Unable to insert the ApplicationId {APP} into the FederationStateStore.",
        f"YARN's router did not submit {APP} to a cluster. Try again later, or ask an "
        "administrator to look into the router's log.",
    ),
]
ROUTER_SIZE = [
    (  # 3.4 and 3.5, RouterServerUtil
        f"The size of the ApplicationSubmissionContext of the application {APP} is above the limit "
        "1 MB, size = 1.02 MB.",
        "the launch is larger than YARN's router accepts. Ask an administrator to shorten "
        "c.YarnSpawner.environment and the local files of c.YarnSpawner.localize_files, or to "
        "raise yarn.router.asc-interceptor-max-size.",
    ),
]
