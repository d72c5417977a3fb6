"""The spawner's figures in the hub's own Prometheus registry, at the hub's /hub/metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from hadoop_client.rpc.trace import CONNECT, CallRecord, log_call

STATE_SECONDS = Histogram(
    "yarnspawner_state_seconds",
    "Time that applications spent in each state of YARN before their server was ready",
    ["state"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, float("inf")),
)
SUBMITS = Counter("yarnspawner_submits", "Applications that YARN has accepted")
START_FAILURES = Counter("yarnspawner_start_failures", "Starts that failed, by reason", ["reason"])
RM_CALL_SECONDS = Histogram(
    "yarnspawner_rm_call_seconds",
    "Time from a call to the ResourceManager until its answer, by method and outcome",
    ["method", "outcome"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 20, float("inf")),
)
RM_CONNECTIONS = Counter(
    "yarnspawner_rm_connections",
    "Connections to ResourceManagers, by outcome: again after each loss",
    ["outcome"],
)
SNAPSHOT_AGE_SECONDS = Gauge(
    "yarnspawner_snapshot_age_seconds", "How old what the hub knows of its running servers is"
)
ORPHANS = Counter(
    "yarnspawner_orphans", "Applications of this hub that belonged to no server and were ended"
)


def observe_call(record: CallRecord) -> None:
    """Count a call to the ResourceManager, or a connection, beside its line in the log."""
    log_call(record)
    if record.method == CONNECT:
        RM_CONNECTIONS.labels(record.outcome).inc()
    else:
        RM_CALL_SECONDS.labels(record.method, record.outcome).observe(record.seconds)
