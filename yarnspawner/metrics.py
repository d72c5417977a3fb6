"""The spawner's metrics, in the hub's own Prometheus registry (/hub/metrics)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from hadoop_client.rpc.trace import CONNECT, CallRecord, log_call

STATE_SECONDS = Histogram(
    "yarnspawner_state_seconds",
    "Time that applications spent in each state of YARN before their servers were ready",
    ["state"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, float("inf")),
)
SUBMITS = Counter("yarnspawner_submits", "Applications that YARN has accepted")
START_FAILURES = Counter("yarnspawner_start_failures", "Starts that failed, by reason", ["reason"])
RM_CALL_SECONDS = Histogram(
    "yarnspawner_rm_call_seconds",
    "Duration of calls to the ResourceManager, by method and outcome",
    ["method", "outcome"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 20, float("inf")),
)
RM_CONNECTIONS = Counter(
    "yarnspawner_rm_connections",
    "Connections opened to ResourceManagers, by outcome",
    ["outcome"],
)
SNAPSHOT_AGE_SECONDS = Gauge(
    "yarnspawner_snapshot_age_seconds", "Age of the hub's view of its running servers"
)
ORPHANS = Counter(
    "yarnspawner_orphans", "Applications of this hub that it ended because no server had them"
)
FOREIGN_APPLICATIONS = Counter(
    "yarnspawner_foreign_applications",
    "Starts for which another user had taken the application id",
)


def observe_call(record: CallRecord) -> None:
    """Log and count a call to the ResourceManager, or a connection to it."""
    log_call(record)
    if record.method == CONNECT:
        RM_CONNECTIONS.labels(record.outcome).inc()
    else:
        RM_CALL_SECONDS.labels(record.method, record.outcome).observe(record.seconds)
