"""HDFS as one small file system interface, and its implementations."""
