"""The packages of this project, from the ground floor up: each may import those before it."""

PACKAGES = ("hadoop_client", "hdfs_contents", "env_packaging", "yarnspawner", "yarnhub")
