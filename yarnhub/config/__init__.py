"""`yarnhub config`: a configuration for the hub, from what the cluster has."""
