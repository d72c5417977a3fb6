"""`yarnhub envs`: the published environments."""
