"""HDFS: one small file system interface, and its implementations."""
