"""`yarnhub config`: a configuration for the hub, from the resources of the cluster."""
